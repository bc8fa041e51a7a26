/**
 * What one set of contestants took, as a table, and with more rounds.
 *
 * @module
 */

import { median } from "../src/strategy/bench/statistics.ts";
import { ratio, type Timing } from "./interleave.ts";
import { table } from "./table.ts";

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
  const rows = timings.filter(({ milliseconds }) => milliseconds.length > 0).map((timing) => {
    const { name, milliseconds, inside } = timing;
    return [
      name,
      ms(median(milliseconds)),
      `${ms(Math.min(...milliseconds))} – ${ms(Math.max(...milliseconds))}`,
      ratio(timing, base)?.toFixed(2) ?? "",
      ...insides ? [inside.length === 0 ? "" : ms(median(inside))] : [],
    ];
  });
  const heads = ["", "median ms", "range", `× ${section.base}`, ...insides ? ["inside, ms"] : []];
  return [
    `### ${topic} on ${filesystem}: ${image}, ${base.milliseconds.length} rounds`,
    "",
    ...table(heads, rows),
    "",
    ...timings.flatMap(({ name, skipped }) =>
      skipped === undefined ? [] : [`${name}: ${skipped}`, ""]
    ),
    ...notes.flatMap((note) => [note, ""]),
  ].join("\n");
}

/** More than three digits these measurements do not have. */
function ms(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
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
