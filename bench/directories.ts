/**
 * Strategies that make directories: start to end and inside, against the same system calls in C, and against tools that copy directories.
 *
 * @module
 */

import { composeFloor } from "./floor/commands.ts";
import type { Ground } from "./ground.ts";
import { type Case, interleave } from "./interleave.ts";
import { cp, rsyncCopies, rsyncLinks } from "./peers/copiers.ts";
import { goMicrovmClone } from "./peers/go_microvm.ts";
import { ostreeCheckout } from "./peers/ostree.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

/** Strategies that make directories anywhere. */
export const DIRECTORIES = ["hardlink", "reflink", "copy"] as const;

/** See {@link DIRECTORIES}. */
export type Directory = typeof DIRECTORIES[number];

const FLOOR = "the same system calls in C, one thread";
const FLOOR_2 = "the same system calls in C, two threads";

/** Tools that do what a strategy does. Where files cannot share extents, those that would try copy. */
const PEERS: Readonly<Record<Directory, (ground: Ground) => Case[]>> = {
  hardlink: (ground) => [
    cp(ground, "-al"),
    rsyncLinks(ground),
    ostreeCheckout(ground, "bare", "-H"),
    ostreeCheckout(ground, "bare-user", "-U", "-H"),
  ],
  reflink: (ground) => [cp(ground, "-a", "--reflink=always"), ...cloners(ground)],
  copy: (ground) => [
    cp(ground, "-a", "--reflink=never"),
    rsyncCopies(ground),
    ...ground.clones ? [] : cloners(ground),
  ],
};

function cloners(ground: Ground): Case[] {
  return [ostreeCheckout(ground, "bare", "-C"), goMicrovmClone(ground)];
}

/** Measures one of them. */
export async function benchDirectory(
  strategy: Directory,
  ground: Ground,
  filesystem: string,
  rounds: number,
): Promise<Section> {
  const { image } = ground.subject;
  const cases = [
    directoryByCommand(strategy, ground),
    ...directoryFloors(strategy, ground),
    ...PEERS[strategy](ground),
  ];
  const timings = await interleave(
    strategy === "copy" ? cases.map((one) => ({ ...one, settle: empty })) : cases,
    rounds,
  );
  return { topic: strategy, filesystem, image, base: FLOOR, timings, notes: [] };
}

/** A directory by `lamina compose`; inside: without the start of the process. */
export function directoryByCommand(strategy: Directory, ground: Ground): Case {
  const { lamina, image } = ground.subject;
  const store = ground.store;
  return {
    name: `lamina compose --strategy ${strategy}`,
    prepare: () => ground.target(),
    run: (target) => {
      const how = ["--strategy", strategy, "--isolation", "shared"];
      const args = ["--root", store, "--json", "compose", image, `${target}`, ...how];
      return { inside: JSON.parse(run(lamina, args)).milliseconds };
    },
  };
}

/** The same system calls in C, by one thread and by two. */
export function directoryFloors(strategy: Directory, ground: Ground): Case[] {
  const needs = needing("cc");
  if (needs.skip !== undefined) {
    return [FLOOR, FLOOR_2].map((name) => ({ name, ...needs, run: () => {} }));
  }
  const floor = composeFloor(ground.store, ground.subject.image);
  return [FLOOR, FLOOR_2].map((name, index) => ({
    name,
    prepare: () => ground.target(),
    run: (target) => {
      const [program, ...args] = floor(strategy, `${target}`, index + 1);
      return Number(run(program, args).split(" ")[0]);
    },
  }));
}

/**
 * Frees what a copy takes, or some rounds would fill the disk. Its inodes stay: ext4 creates slowly for a while after many of them were
 * deleted.
 */
function empty(target: unknown): void {
  run("find", [`${target}`, "-type", "f", "-size", "+15k", "-exec", "truncate", "-s0", "{}", "+"]);
}
