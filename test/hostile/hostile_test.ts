/**
 * Hostile images, from a layout through a real store to every strategy: each gives the tree that it should, or an error that names what is
 * wrong; nothing outside its layer is touched, and where it is refused the store is as it was.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { LIMIT_NAMES } from "../../src/limits.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { cannotMount, lacks, needs, notRoot } from "../support/root.ts";
import type { HostileClass } from "./case.ts";
import { ESCAPES } from "./escapes.ts";
import { FORMATS } from "./formats.ts";
import { Ground } from "./ground.ts";
import { BY_LIMIT, ELSEWHERE, LIMITED } from "./limits.ts";
import { PRIVILEGE } from "./privilege.ts";
import { REPLACEMENTS } from "./replacements.ts";
import { PEERS } from "./peers/mod.ts";
import { judge, type Verdict } from "./peers/judge.ts";
import { WHITEOUTS } from "./whiteouts.ts";

const CLASSES: readonly HostileClass[] = [
  ESCAPES,
  WHITEOUTS,
  REPLACEMENTS,
  FORMATS,
  PRIVILEGE,
  LIMITED,
];

/** A filesystem on which every strategy but one of btrfs' own works. */
const FILESYSTEM = "xfs";

Deno.test({
  ...needs("hostile images", notRoot(), cannotMount(), available(FILESYSTEM)),
  async fn(t) {
    await using filesystem = await LoopFs.make(FILESYSTEM, 512);
    await using ground = await Ground.make(filesystem.path);
    for (const { name, cases } of CLASSES) {
      await t.step(name, async (t) => {
        let survived = 0;
        for (const one of cases) {
          const ok = await t.step(one.title, () => ground.run(one));
          if (ok) survived++;
        }
        console.log(`${name}: ${survived} of ${cases.length} survived`);
      });
    }
    await ground.finish();
    console.log(`${ground.compositions} compositions by ${ground.strategies.join(", ")}`);
    const jail = await ground.jail();
    // Side by side: one waits while another works.
    const judged = PEERS.map((peer) => lacks(peer.name) ?? judge(jail, peer));
    for (const [at, peer] of PEERS.entries()) {
      const verdict = judged[at];
      await t.step({
        ...needs(`beside ${peer.name}`, typeof verdict === "string" ? verdict : undefined),
        async fn() {
          const { compared, same, unexplained, idle } = await verdict as Verdict;
          console.log(`${peer.name} makes the same of ${same} of ${compared} images`);
          assertEquals(unexplained, [], `${peer.name} makes something else of it`);
          assertEquals(idle, [], `${peer.name} does as we do by now; then why not`);
        },
      });
    }
  },
});

Deno.test("hostile images: the figures in test/README.md are those of the tables", () => {
  const readme = Deno.readTextFileSync(new URL("../README.md", import.meta.url));
  const rows = [...readme.matchAll(/^\| ([a-z ]+?) +\| +(\d+) \| +(\d+) \| +(\d+) \|/gm)];
  const figures = CLASSES.map(({ name, cases }) => {
    const refused = cases.filter((one) => "refused" in one).length;
    return [name, cases.length, cases.length - refused, refused];
  });
  assertEquals(rows.map(([, name, ...counts]) => [name, ...counts.map(Number)]), figures);
});

Deno.test("hostile images: titles are told apart, and what is said to be elsewhere is there", () => {
  for (const { name, cases, elsewhere } of CLASSES) {
    const titles = cases.map(({ title }) => title);
    assertEquals(titles.filter((title, i) => titles.indexOf(title) !== i && name !== "limits"), []);
    for (const [, files] of elsewhere) {
      for (const file of files.split(", ")) Deno.statSync(new URL(`../${file}`, import.meta.url));
    }
  }
});

Deno.test("hostile images: every limit has a case", () => {
  for (const name of LIMIT_NAMES) {
    const tested = BY_LIMIT.some(({ limit }) => limit === name) || ELSEWHERE[name] !== undefined;
    assert(tested, name);
  }
});
