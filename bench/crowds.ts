/**
 * Many at once: lamina, the same system calls in C, and cp(1), each as so many processes as there are compositions, on an image of 1,000
 * entries. What C and cp lose by company is the kernel's doing, or for want of processors.
 *
 * @module
 */

import { LAYERS } from "../src/strategy/bench/recipe.ts";
import { composeFloor, mountFloor, unmountFloor } from "./floor/commands.ts";
import { Ground } from "./ground.ts";
import { generatedImage } from "./images.ts";
import { type Case, interleave } from "./interleave.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

const COUNTS = [1, 8, 32] as const;
const IMAGE = "crowd";
const FILES = 833;

/** A program that makes a root filesystem. */
interface Member {
  readonly name: string;
  readonly skip?: string;
  command(target: string): string[];
  /** Removes what it made. */
  remove(targets: readonly string[]): void;
}

/**
 * Measures in a directory of a filesystem.
 *
 * @param strategies Those that take part; all, if there are none.
 */
export async function benchCrowds(
  lamina: string,
  on: string,
  filesystem: string,
  clones: boolean,
  strategies: readonly string[],
  rounds: number,
): Promise<Section[]> {
  const layout = `${on}/crowd-layout`;
  await generatedImage(layout, IMAGE, { kind: "mixed", files: FILES, layers: LAYERS });
  Deno.mkdirSync(`${on}/crowd`, { recursive: true });
  await using ground = new Ground({ lamina, layout, image: IMAGE }, `${on}/crowd`, clones);
  const sections: Section[] = [];
  for (const [strategy, members] of contestants(ground)) {
    if (strategies.length > 0 && !strategies.includes(strategy)) continue;
    const cases = members.flatMap((one) => COUNTS.map((count) => caseOf(ground, one, count)));
    sections.push({
      topic: `at once: ${strategy}`,
      filesystem,
      image: `1,000 entries; ms for each of so many`,
      timings: await interleave(cases, rounds),
      base: cases[0].name,
      notes: [],
    });
  }
  return sections;
}

function contestants(ground: Ground): (readonly [strategy: string, Member[]])[] {
  const needs = needing("cc");
  const compose = needs.skip === undefined ? composeFloor(ground.store, IMAGE) : () => [];
  const mount = needs.skip === undefined ? mountFloor(ground) : () => [];
  const removeAll = (targets: readonly string[]) => void run("rm", ["-rf", ...targets]);
  const directory = (strategy: string, ...options: string[]) =>
    [strategy, [
      ours(ground, strategy),
      {
        name: "C, one thread",
        ...needs,
        command: (target) => compose(strategy, target, 1),
        remove: removeAll,
      },
      {
        name: ["cp", ...options].join(" "),
        command: (target) => ["cp", ...options, ground.flat, target],
        remove: removeAll,
      },
    ] as Member[]] as const;
  const mounted = (strategy: string) =>
    [strategy, [ours(ground, strategy), {
      name: "C",
      ...needs,
      command: (target) => mount(strategy, "rw", target),
      remove: (targets) => targets.forEach(unmountFloor),
    }] as Member[]] as const;
  return [
    mounted("overlay"),
    mounted("composefs"),
    directory("hardlink", "-al"),
    ...ground.clones ? [directory("reflink", "-a", "--reflink=always")] : [],
    directory("copy", "-a", "--reflink=never"),
  ];
}

function ours({ subject: { lamina, image }, store }: Ground, strategy: string): Member {
  const program = [lamina, "--root", store, "--quiet"];
  const how = ["--strategy", strategy, "--isolation", "shared"];
  return {
    name: "lamina",
    command: (target) => [...program, "compose", image, target, ...how],
    remove: (targets) => void run(program[0], [...program.slice(1), "release", ...targets]),
  };
}

function caseOf(ground: Ground, member: Member, count: number): Case {
  const { name, skip } = member;
  return {
    name: `${name}: ${count}`,
    ...skip === undefined ? {} : { skip },
    prepare: () => Array.from({ length: count }, () => ground.target()),
    run: async (targets) => {
      const start = performance.now();
      await Promise.all((targets as string[]).map((target) => spawn(member.command(target))));
      return (performance.now() - start) / count;
    },
    settle: (targets) => member.remove(targets as string[]),
  };
}

async function spawn([program, ...args]: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr).trim()}`);
}
