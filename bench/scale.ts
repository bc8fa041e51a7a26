/**
 * How time and memory grow with entries: pulling, composing by each strategy and releasing, each as a run of the program; directories
 * beside the same system calls in C, and beside rm(1).
 *
 * @module
 */

import { existsSync } from "node:fs";
import { LAYERS } from "../src/strategy/bench/recipe.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { DIRECTORIES } from "./directories.ts";
import { composeFloor } from "./floor/commands.ts";
import { generatedImage } from "./images.ts";
import { table } from "./table.ts";
import { has, needing, run } from "./tool.ts";

/** Strategies that need nothing to be kept before. */
export const STRATEGIES = ["overlay", "composefs", "hardlink", "reflink", "copy"] as const;

/** What a run of the program took. */
interface Spent {
  readonly seconds: number;
  /** Of processors, in user mode and in the kernel; undefined without time(1). */
  readonly processor?: number;
  /** The most memory that it had, in bytes; undefined without time(1). */
  readonly memory?: number;
}

/** One step with one image on one filesystem: what each round took. */
export interface ScaleCost {
  readonly filesystem: string;
  readonly entries: number;
  /** `pull`; the name of a strategy; `release` and that; and these with the name of a program that does the same. */
  readonly step: string;
  readonly spent: readonly Spent[];
}

/** What is asked for. */
export interface ScaleOptions {
  /** Of the image, all but all: of twelve, ten are small files, one is their directory, and one a symbolic link. */
  readonly entries: number;
  /** Those that take part; all, if there are none. */
  readonly strategies: readonly string[];
  readonly rounds: number;
}

/**
 * Measures in a directory of a filesystem; a store that an earlier run brought there is used again.
 *
 * @param clones Whether files can share extents there.
 */
export async function benchScale(
  lamina: string,
  on: string,
  filesystem: string,
  clones: boolean,
  { entries, strategies, rounds }: ScaleOptions,
): Promise<ScaleCost[]> {
  const able = STRATEGIES.filter((one) =>
    (clones || one !== "reflink") && (strategies.length === 0 || strategies.includes(one))
  );
  const costs: ScaleCost[] = [];
  const add = (step: string, spent: Spent) =>
    costs.push({ filesystem, entries, step, spent: [spent] });
  const store = `${on}/scale-${entries}`;
  if (!existsSync(`${store}.made`)) {
    const files = Math.round(entries / 1.2);
    const layout = `${on}/scale-layout-${entries}`;
    await generatedImage(layout, "scale", { kind: "small", files, layers: LAYERS });
    run("rm", ["-rf", store]);
    const from = [`oci:${layout}:scale`, "--name", "scale"];
    add("pull", spend([lamina, "--root", store, "--quiet", "pull", ...from]));
    Deno.writeTextFileSync(`${store}.made`, "");
  }
  const floor = needing("cc").skip === undefined ? composeFloor(store, "scale") : undefined;
  for (let round = 0; round < rounds; round++) {
    for (const strategy of able) {
      const target = `${on}/scaled-${Date.now()}`;
      const byFloor = `${target}-c`;
      const how = ["--strategy", strategy, "--isolation", "shared"];
      const program = [lamina, "--root", store, "--quiet"];
      add(strategy, spend([...program, "compose", "scale", target, ...how]));
      add(`release ${strategy}`, spend([...program, "release", target]));
      if (floor === undefined || !isDirectory(strategy)) continue;
      add(`${strategy}, C`, spend(floor(strategy, byFloor, 1)));
      add(`release ${strategy}, rm -rf`, spend(["rm", "-rf", byFloor]));
    }
  }
  return addScale([], costs);
}

function isDirectory(strategy: string): boolean {
  return DIRECTORIES.some((one) => one === strategy);
}

/** Runs a program; time(1) says what it took of the processors, and the peak of its resident set. */
function spend([program, ...args]: readonly string[]): Spent {
  if (!has("time")) {
    const start = performance.now();
    run(program, args);
    return { seconds: (performance.now() - start) / 1000 };
  }
  const file = Deno.makeTempFileSync();
  try {
    const start = performance.now();
    run("time", ["-f", "%M %U %S", "-o", file, program, ...args]);
    const seconds = (performance.now() - start) / 1000;
    const [kilobytes, user, system] = Deno.readTextFileSync(file).split(" ").map(Number);
    return { seconds, processor: user + system, memory: kilobytes * 1024 };
  } finally {
    Deno.removeSync(file);
  }
}

/** Adds what was measured, as more rounds where there are some. */
export function addScale(all: readonly ScaleCost[], more: readonly ScaleCost[]): ScaleCost[] {
  const key = ({ filesystem, entries, step }: ScaleCost) => `${filesystem} ${entries} ${step}`;
  const joined = new Map(all.map((cost) => [key(cost), cost]));
  for (const cost of more) {
    const before = joined.get(key(cost))?.spent ?? [];
    joined.set(key(cost), { ...cost, spent: [...before, ...cost.spent] });
  }
  return [...joined.values()];
}

/** Medians of seconds and the largest peaks of memory, and how time grows. */
export function scaleTable(costs: readonly ScaleCost[]): string {
  const filesystems = [...new Set(costs.map(({ filesystem }) => filesystem))];
  return filesystems.map((filesystem) => {
    const here = costs.filter((one) => one.filesystem === filesystem);
    const sizes = [...new Set(here.map(({ entries }) => entries))].sort((a, b) => a - b);
    const steps = [...new Set(here.map(({ step }) => step))];
    const heads = sizes.map((entries) => `${entries.toLocaleString("en")}: s / CPU s / MB`);
    const rows = steps.map((step) => {
      const own = sizes.map((entries) =>
        here.find((one) => one.step === step && one.entries === entries)?.spent
      );
      return [step, ...own.map(cell), growth(own)];
    });
    return [
      `### entries, on ${filesystem}`,
      "",
      ...table(["", ...heads, "last two"], rows),
      "",
    ].join("\n");
  }).join("\n");
}

function seconds(spent: readonly Spent[]): number {
  return median(spent.map((one) => one.seconds));
}

function cell(spent: readonly Spent[] | undefined): string {
  if (spent === undefined) return "";
  const peak = Math.max(...spent.map(({ memory }) => memory ?? NaN));
  const known = spent.flatMap(({ processor }) => processor ?? []);
  const processor = known.length === 0 ? "?" : digits(median(known));
  const memory = Number.isNaN(peak) ? "?" : (peak / 1e6).toFixed(0);
  return `${digits(seconds(spent))} / ${processor} / ${memory}`;
}

function digits(seconds: number): string {
  return seconds.toFixed(seconds < 10 ? 2 : 1);
}

/** The ratio of times for the two largest images. */
function growth(sizes: readonly (readonly Spent[] | undefined)[]): string {
  const [small, large] = sizes.slice(-2);
  if (small === undefined || large === undefined) return "";
  return `× ${(seconds(large) / seconds(small)).toFixed(1)}`;
}
