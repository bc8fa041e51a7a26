/**
 * How time and memory grow with entries: pulling, composing by each strategy and releasing, each as a run of the program.
 *
 * @module
 */

import { existsSync } from "node:fs";
import { writeLayout } from "../src/strategy/bench/generated.ts";
import { entriesOfLayer, LAYERS } from "../src/strategy/bench/recipe.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { table } from "./table.ts";
import { has, run } from "./tool.ts";

/** Strategies that need nothing to be kept before. */
const STRATEGIES = ["overlay", "composefs", "hardlink", "reflink", "copy"] as const;

/** What a run of the program took. */
interface Spent {
  readonly seconds: number;
  /** The most memory that it had, in bytes; undefined without time(1). */
  readonly memory?: number;
}

/** One step with one image on one filesystem: what each round took. */
export interface ScaleCost {
  readonly filesystem: string;
  readonly entries: number;
  /** `pull`; the name of a strategy; `release` and that. */
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
    const layout = await layoutOf(on, entries);
    run("rm", ["-rf", store]);
    const from = [`oci:${layout}:scale`, "--name", "scale"];
    add("pull", spend([lamina, "--root", store, "--quiet", "pull", ...from]));
    Deno.writeTextFileSync(`${store}.made`, "");
  }
  for (let round = 0; round < rounds; round++) {
    for (const strategy of able) {
      const target = `${on}/scaled-${Date.now()}`;
      const how = ["--strategy", strategy, "--isolation", "shared"];
      const program = [lamina, "--root", store, "--quiet"];
      add(strategy, spend([...program, "compose", "scale", target, ...how]));
      add(`release ${strategy}`, spend([...program, "release", target]));
    }
  }
  return addScale([], costs);
}

/** An OCI layout of the image; one that an earlier run made is used again. */
async function layoutOf(on: string, entries: number): Promise<string> {
  const layout = `${on}/scale-layout-${entries}`;
  if (existsSync(layout)) return layout;
  const draft = Deno.makeTempDirSync({ dir: on, prefix: "scale-layout-" });
  const recipe = { kind: "small", files: Math.round(entries / 1.2), layers: LAYERS } as const;
  const layers = Array.from({ length: LAYERS }, (_, n) => () => entriesOfLayer(recipe, n));
  await writeLayout(draft, "scale", layers);
  Deno.renameSync(draft, layout);
  return layout;
}

/** Runs a program; time(1) says the peak of its resident set. */
function spend([program, ...args]: readonly string[]): Spent {
  if (!has("time")) {
    const start = performance.now();
    run(program, args);
    return { seconds: (performance.now() - start) / 1000 };
  }
  const file = Deno.makeTempFileSync();
  try {
    const start = performance.now();
    run("time", ["-f", "%M", "-o", file, program, ...args]);
    const seconds = (performance.now() - start) / 1000;
    return { seconds, memory: Number(Deno.readTextFileSync(file)) * 1024 };
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
    const heads = sizes.map((entries) => `${entries.toLocaleString("en")}: s / MB`);
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
  const took = seconds(spent);
  const peak = Math.max(...spent.map(({ memory }) => memory ?? NaN));
  const memory = Number.isNaN(peak) ? "?" : (peak / 1e6).toFixed(0);
  return `${took.toFixed(took < 10 ? 2 : 1)} / ${memory}`;
}

/** The ratio of times for the two largest images. */
function growth(sizes: readonly (readonly Spent[] | undefined)[]): string {
  const [small, large] = sizes.slice(-2);
  if (small === undefined || large === undefined) return "";
  return `× ${(seconds(large) / seconds(small)).toFixed(1)}`;
}
