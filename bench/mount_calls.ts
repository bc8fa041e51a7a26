/**
 * The kernel's part of a mount: how long the system calls take that make it, in lamina and in C, as perf-trace(1) sees them.
 *
 * @module
 */

import { mountFloor, unmountFloor } from "./floor/commands.ts";
import type { Ground } from "./ground.ts";
import { type Case, interleave } from "./interleave.ts";
import { MOUNTS } from "./mounts.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

const CALLS = "fsopen,fsconfig,fsmount,move_mount,open_tree,mount_setattr";

/** Measures them all. */
export async function benchMountCalls(
  ground: Ground,
  filesystem: string,
  rounds: number,
): Promise<Section> {
  const { lamina, image } = ground.subject;
  const store = ["--root", ground.store];
  const needs = needing("perf", "cc");
  const floor = needs.skip === undefined ? mountFloor(ground) : () => [];
  const cases = MOUNTS.flatMap(([strategy, access]): Case[] => {
    const how = ["--strategy", strategy, "--access", access];
    const prepare = () => ground.target();
    return [{
      name: `lamina: ${strategy} (${access})`,
      ...needs,
      prepare,
      run: (target) => spentInCalls([lamina, ...store, "compose", image, `${target}`, ...how]),
      settle: (target) => void run(lamina, [...store, "release", `${target}`]),
    }, {
      name: `C: ${strategy} (${access})`,
      ...needs,
      prepare,
      run: (target) => spentInCalls(floor(strategy, access, `${target}`)),
      settle: (target) => unmountFloor(`${target}`),
    }];
  });
  const timings = await interleave(cases, rounds);
  return { topic: "mount calls", filesystem, image, base: cases[1].name, timings, notes: [] };
}

/** Runs a program. Returns the milliseconds that it was in the calls. */
function spentInCalls(command: readonly string[]): number {
  const file = Deno.makeTempFileSync();
  try {
    run("perf", ["trace", "-o", file, "-e", CALLS, ...command]);
    const spent = Deno.readTextFileSync(file).matchAll(/\( *([\d.]+) ms\)/g);
    return [...spent].reduce((sum, [, milliseconds]) => sum + Number(milliseconds), 0);
  } finally {
    Deno.removeSync(file);
  }
}
