/**
 * Strategies that mount: start to end and inside, against other tools' mounts of the same image.
 *
 * @module
 */

import { Store } from "../src/store/mod.ts";
import { compileFloor } from "./floor/compile.ts";
import type { Ground } from "./ground.ts";
import { type Case, interleave } from "./interleave.ts";
import { cfsctlMount, mountComposefs } from "./peers/composefs.ts";
import { ctrMounts } from "./peers/containerd.ts";
import { overlayBy, podmanMount } from "./peers/containers.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

/** Measures them all. */
export async function benchMounts(
  ground: Ground,
  filesystem: string,
  rounds: number,
): Promise<Section> {
  const { image } = ground.subject;
  const store = Store.open(ground.store);
  const record = store.images.find(image);
  const layers = record.layers.map(({ diffId }) => store.layers.directory(diffId));
  const composefs = [store.layout.tree(record.tree.digest), store.layout.objects];
  const cases = [
    mountByCommand(ground, "overlay", "rw"),
    mountByCommand(ground, "composefs", "rw"),
    mountByCommand(ground, "composefs", "ro"),
    started(ground),
    ...mountFloors(ground, [
      ["overlay", "rw", ...layers.toReversed()],
      ["composefs", "rw", ...composefs],
      ["composefs", "ro", ...composefs],
    ]),
    overlayBy("mount", ground, layers),
    mountComposefs(ground, store.layout.tree(record.tree.digest), store.layout.objects),
    overlayBy("fuse-overlayfs", ground, layers),
    cfsctlMount(ground),
    podmanMount(ground),
    ...ctrMounts(ground),
  ];
  const timings = await interleave(cases, rounds);
  return { topic: "mounts", filesystem, image, base: cases[0].name, timings, notes: [] };
}

/** A mount by `lamina compose`; inside: without the start of the process. */
export function mountByCommand(ground: Ground, strategy: string, access: string): Case {
  const { lamina, image } = ground.subject;
  const store = ["--root", ground.store];
  return {
    name: `lamina compose --strategy ${strategy} (${access})`,
    prepare: () => ground.target(),
    run: (target) => {
      const args = [...store, "--json", "compose", image, `${target}`];
      const answer = run(lamina, [...args, "--strategy", strategy, "--access", access]);
      return { inside: JSON.parse(answer).milliseconds };
    },
    settle: (target) => void run(lamina, [...store, "release", `${target}`]),
  };
}

/** The same system calls in C; inside: without the start of its process. */
export function mountFloors(
  ground: Ground,
  all: readonly (readonly [strategy: string, access: string, ...layers: string[]])[],
): Case[] {
  const needs = needing("cc");
  const program = needs.skip === undefined ? compileFloor("mount_floor", ground.path) : "";
  return all.map(([strategy, access, ...layers]) => ({
    name: `C, the same calls: ${strategy} (${access})`,
    ...needs,
    prepare: () => ground.target(),
    run: (target) => ({
      inside: Number(run(program, [strategy, access, `${target}.work`, `${target}`, ...layers])),
    }),
    settle: (target) => {
      run("umount", [`${target}`]);
      run("rm", ["-rf", `${target}`, `${target}.work`]);
    },
  }));
}

/** What each run of the program takes that does nothing. */
function started({ subject: { lamina } }: Ground): Case {
  return { name: "lamina --version", run: () => void run(lamina, ["--version"]) };
}
