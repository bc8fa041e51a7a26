/**
 * What benchmarks found, as tables for people and as JSON: for plots, and for more rounds.
 *
 * @module
 */

import type { Machine } from "../src/strategy/bench/shape.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { ratio, type Timing } from "./interleave.ts";
import type { MatrixPart } from "./matrix.ts";
import type { ScaleCost } from "./scale.ts";
import type { StorageCosts } from "./storage.ts";

/** One set of contestants that ran in turn. */
export interface Section {
  /** What `--what` calls it. */
  readonly topic: string;
  readonly filesystem: string;
  readonly image: string;
  readonly timings: readonly Timing[];
  /** The contestant that the others are compared to: ratios are other/this. */
  readonly base: string;
  readonly notes: readonly string[];
}

/** A section as a Markdown table: median, spread, ratio to the base; below it who did not take part, and why. */
export function markdown(section: Section): string {
  const { topic, filesystem, image, timings, notes } = section;
  const base = timings.find(({ name }) => name === section.base)!;
  const insides = timings.some(({ inside }) => inside.length > 0);
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rows = timings.filter(({ milliseconds }) => milliseconds.length > 0).map((timing) => {
    const { name, milliseconds, inside } = timing;
    return row([
      name,
      ms(median(milliseconds)),
      `${ms(Math.min(...milliseconds))} – ${ms(Math.max(...milliseconds))}`,
      ratio(timing, base)?.toFixed(2) ?? "",
      ...insides ? [inside.length === 0 ? "" : ms(median(inside))] : [],
    ]);
  });
  const head = ["", "median ms", "range", `× ${section.base}`];
  return [
    `### ${topic} on ${filesystem}: ${image}, ${base.milliseconds.length} rounds`,
    "",
    row([...head, ...insides ? ["inside, ms"] : []]),
    row(["---", ...Array<string>(head.length - 1 + (insides ? 1 : 0)).fill("---:")]),
    ...rows,
    "",
    ...timings.flatMap(({ name, skipped }) =>
      skipped === undefined ? [] : [`${name}: ${skipped}`, ""]
    ),
    ...notes.flatMap((note) => [note, ""]),
  ].join("\n");
}

/** Three digits are more than these measurements have. */
function ms(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(1);
}

/** The version of {@link Run}'s form. */
export const RUN_FORMAT = 1;

/** One or more runs, on one machine. */
export interface Run {
  readonly format: typeof RUN_FORMAT;
  /** When the first began, RFC 3339. */
  readonly date: string;
  readonly machine: Machine;
  /** What took part, with its version. */
  readonly versions: readonly string[];
  readonly sections: readonly Section[];
  readonly storage: readonly StorageCosts[];
  readonly scale: readonly ScaleCost[];
  readonly matrix: readonly MatrixPart[];
}

/** Reads what an earlier run wrote; undefined if there is none. */
export function readRun(file: string): Run | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const run = JSON.parse(text);
  if (run.format !== RUN_FORMAT) throw new Error(`${file} is no result of this benchmark`);
  return run;
}

/** Whether both are about one question. */
export function sameContest(a: Section, b: Section): boolean {
  return a.topic === b.topic && a.filesystem === b.filesystem && a.image === b.image;
}

/** Adds a section: as more rounds to one of the same contestants, where there is one. */
export function addSection(sections: readonly Section[], more: Section): readonly Section[] {
  if (!sections.some((one) => sameContest(one, more))) return [...sections, more];
  return sections.map((one) => {
    if (!sameContest(one, more)) return one;
    const timings = more.timings.map((timing) => {
      const before = one.timings.find(({ name }) => name === timing.name);
      if (before === undefined || timing.skipped !== undefined) return timing;
      const milliseconds = [...before.milliseconds, ...timing.milliseconds];
      return { ...timing, milliseconds, inside: [...before.inside, ...timing.inside] };
    });
    return { ...more, timings };
  });
}
