/**
 * Strategies that mount: start to end and inside, against other tools' mounts of the same image.
 *
 * @module
 */

import { Store } from "../src/store/mod.ts";
import { mountFloor, unmountFloor } from "./floor/commands.ts";
import type { Ground } from "./ground.ts";
import { type Case, interleave } from "./interleave.ts";
import { cfsctlMount, mountComposefs } from "./peers/composefs.ts";
import { ctrMounts } from "./peers/containerd.ts";
import { overlayBy, podmanMount } from "./peers/containers.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

/** Each strategy with the access that it gives. */
export const MOUNTS = [["overlay", "rw"], ["composefs", "rw"], ["composefs", "ro"]] as const;

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
  const cases = [
    ...MOUNTS.map(([strategy, access]) => mountByCommand(ground, strategy, access)),
    started(ground),
    ...mountFloors(ground),
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
export function mountFloors(ground: Ground): Case[] {
  const needs = needing("cc");
  const floor = needs.skip === undefined ? mountFloor(ground) : () => [];
  return MOUNTS.map(([strategy, access]) => ({
    name: `C, the same calls: ${strategy} (${access})`,
    ...needs,
    prepare: () => ground.target(),
    run: (target) => {
      const [program, ...args] = floor(strategy, access, `${target}`);
      return { inside: Number(run(program, args)) };
    },
    settle: (target) => unmountFloor(`${target}`),
  }));
}

/** What each run of the program takes that does nothing. */
function started({ subject: { lamina } }: Ground): Case {
  return { name: "lamina --version", run: () => void run(lamina, ["--version"]) };
}
