/**
 * Many processes on one store, at random.
 *
 * @module
 */

import { assert } from "@std/assert";
import { BINARY } from "../e2e/program.ts";
import { empty, ended, type Ground, NAMES, settle } from "./ground.ts";

/** Exit code of a command whose image, or lease, somebody else removed meanwhile. */
const NOT_FOUND = 3;

/** Why an image is not removed, as documented: a lease or a composition of somebody else's needs it. */
const NEEDED = /^lamina: removing image .*(keeps? it|made of it|names: .*)$/;

/** What happened. */
export interface Turmoil {
  readonly commands: number;
  /** Commands that met what another one had done, by the first line of what they said. */
  readonly refused: ReadonlyMap<string, number>;
}

/** Strategies with what they need to be told. */
const STRATEGIES = [["overlay"], ["composefs"], ["copy"], ["hardlink", "--access", "ro"]];

/** Numbers that look random and are the same each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  return (below) => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) % below;
  };
}

/**
 * Lets processes pull, compose, release, remove and collect shared images of one store; then checks that the store is whole, that each
 * layer is there once, and that nothing is left when all is released and removed.
 *
 * @param processes At the same time.
 * @param until Milliseconds since the epoch; commands that run then are waited for.
 */
export async function turmoil(
  ground: Ground,
  processes: number,
  until: number,
  seed = 1,
): Promise<Turmoil> {
  const store = await ground.store("stored");
  const refused = new Map<string, number>();
  const targets: string[] = [];
  let commands = 0;
  const actor = async (number: number) => {
    const random = numbers(seed * 1000 + number);
    const target = `${store}-root-${number}`;
    targets.push(target);
    let composed = false;
    while (Date.now() < until) {
      const image = NAMES[random(NAMES.length)];
      const strategy = STRATEGIES[random(STRATEGIES.length)];
      const what: string[][] = [
        ["pull", ground.source(image), "--name", image],
        ["pull", ground.source(image), "--name", image],
        ["rm", image],
        ["gc"],
        ["tag", image, `${image}-${number}`],
        ["rm", `${image}-${number}`],
        ["lease", "add", image, "--for", "1s"],
        ["inspect", image],
        ["ps"],
        ["df"],
        ["fsck", "--quick"],
      ];
      const turn = random(3) === 0;
      const args = !turn
        ? what[random(what.length)]
        : composed
        ? ["release", target]
        : ["compose", image, target, "--strategy", ...strategy];
      const { code, stderr, stdout } = await ended([BINARY, "--root", store, ...args]);
      commands++;
      if (code === 0) {
        if (turn) composed = !composed;
        continue;
      }
      const line = stderr.split("\n")[0];
      const said = `lamina ${args.join(" ")}: exit ${code}: ${stderr}${stdout}`;
      assert(
        code === NOT_FOUND && args[0] !== "release" || NEEDED.test(line),
        `${said} (the store is ${store})`,
      );
      const key = line.replaceAll(store, "STORE").replace(/\b[0-9a-f]{12}\b/g, "ID").replace(
        /\d+/g,
        "N",
      );
      refused.set(key, (refused.get(key) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: processes }, (_, number) => actor(number)));
  await settle(store, targets);
  await empty(store);
  await Deno.remove(store, { recursive: true });
  return { commands, refused };
}
