/**
 * What a benchmark found, as a table for people and as JSON for comparison.
 *
 * @module
 */

import { ratio, type Timing } from "./interleave.ts";
import { median } from "../src/strategy/bench/statistics.ts";

/** One set of contestants that ran in turn. */
export interface Section {
  readonly title: string;
  readonly timings: readonly Timing[];
  /** The contestant that the others are compared to: ratios are other/this. */
  readonly base: string;
  readonly notes: readonly string[];
}

/** A section as a Markdown table: median, spread, ratio to the base. */
export function markdown(section: Section): string {
  const base = section.timings.find((timing) => timing.name === section.base);
  const rows = section.timings.map((timing) => {
    const low = Math.min(...timing.milliseconds).toFixed(1);
    const high = Math.max(...timing.milliseconds).toFixed(1);
    const times = base === undefined ? "" : ratio(timing, base).toFixed(2);
    return `| ${timing.name} | ${
      median(timing.milliseconds).toFixed(1)
    } | ${low}–${high} | ${times} |`;
  });
  return [
    `### ${section.title}`,
    "",
    `| | median ms | range | × ${section.base} |`,
    "|---|---:|---:|---:|",
    ...rows,
    ...section.notes.map((note) => `\n${note}`),
    "",
  ].join("\n");
}
