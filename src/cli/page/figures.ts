/**
 * All figures of a benchmark, as tables.
 *
 * @module
 */

import type { Change } from "../../strategy/bench/compare.ts";
import type { Report, Result } from "../../strategy/bench/shape.ts";
import type { Summary } from "../../strategy/bench/statistics.ts";
import { asked } from "../terminal/benchmark.ts";
import { learned } from "../terminal/explanation.ts";
import { duration, size } from "../terminal/units.ts";
import { type Html, html, type Value } from "./html.ts";

/** A column: its title, whether its cells are numbers, and what they say of a row. */
type Column<T> = readonly [title: string, kind: "text" | "number", cell: (row: T) => Value];

function table<T>(columns: readonly Column<T>[], rows: readonly T[]): Html {
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>${columns.map(([title, kind]) => html`<th class="${kind}">${title}</th>`)}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr>${
            columns.map(([, kind, cell]) => html`<td class="${kind}">${cell(row)}</td>`)
          }</tr>\n`
        )}</tbody>
      </table>
    </div>
  `;
}

/** Medians and spreads of whole compositions. */
export function timesTable(results: readonly Result[]): Html {
  const states = (["first", "again", "cold"] as const).filter((state) =>
    results.some(({ total }) => total[state] !== undefined)
  );
  const columns: Column<Result>[] = [
    ["strategy", "text", ({ strategy }) => html`<b>${strategy}</b>`],
    ["makes", "text", ({ makes }) => makes],
    ["asked for", "text", ({ form }) => asked(form)],
    ...states.flatMap((state): Column<Result>[] => [
      [state, "number", ({ total }) => middle(total[state])],
      ["10–90 %", "number", ({ total }) => spread(total[state])],
      ["n", "number", ({ total }) => total[state]?.n ?? "–"],
    ]),
    ["the very first", "number", ({ making }) => time(making)],
  ];
  return table(columns, results);
}

/** The parts of first compositions beside what was expected, and what each of many at once takes. */
export function partsTable(results: readonly Result[]): Html {
  const counts = [...new Set(results.flatMap(({ atOnce }) => atOnce.map((one) => one.count)))];
  const columns: Column<Result>[] = [
    ["strategy", "text", ({ strategy }) => html`<b>${strategy}</b>`],
    ...(["record", "choose", "tree", "work", "release"] as const).map((part): Column<Result> => [
      part,
      "number",
      ({ parts }) => time(parts?.[part]),
    ]),
    ["tree + work expected", "number", ({ estimate }) => time(estimate?.expected)],
    ["off by", "number", ({ estimate }) => percent(estimate?.errorPercent)],
    ["learned", "number", ({ estimate }) => estimate ? learned(estimate.correction) : "–"],
    ...counts.map((count): Column<Result> => [
      `${count} at once, each`,
      "number",
      ({ atOnce }) => {
        const one = atOnce.find((other) => other.count === count);
        return one?.skipped ?? time(one?.each?.median);
      },
    ]),
  ];
  return table(columns, results);
}

/** Every single composition. */
export function samplesTable(results: readonly Result[]): Html {
  const rows = results.flatMap(({ strategy, samples }) =>
    samples.map((sample) => ({ strategy, ...sample }))
  );
  type Row = typeof rows[number];
  const columns: Column<Row>[] = [
    ["strategy", "text", ({ strategy }) => strategy],
    ["round", "number", ({ round }) => round + 1],
    ["state", "text", ({ state }) => state],
    ["total, ms", "number", ({ total }) => total],
    ...(["record", "choose", "tree", "work"] as const).map((phase): Column<Row> => [
      phase,
      "number",
      ({ timings }) => timings[phase],
    ]),
    ["release", "number", ({ release }) => release],
    ["on disk", "number", ({ bytes }) => size(bytes)],
  ];
  return table(columns, rows);
}

/** What many at once took, each time. */
export function crowdsTable(results: readonly Result[]): Html {
  const rows = results.flatMap(({ strategy, atOnce }) =>
    atOnce.map((one) => ({ strategy, ...one }))
  );
  return table<typeof rows[number]>([
    ["strategy", "text", ({ strategy }) => strategy],
    ["at once", "number", ({ count }) => count],
    ["each", "number", ({ each }) => middle(each)],
    ["10–90 %", "number", ({ each }) => spread(each)],
    ["one alone waits", "number", ({ latency }) => middle(latency)],
    ["10–90 %", "number", ({ latency }) => spread(latency)],
    ["samples, ms", "text", ({ samples, skipped }) => skipped ?? samples.join(", ")],
  ], rows);
}

/** What changed since an earlier benchmark. */
export function changesTable(changes: readonly Change[]): Html {
  return table<Change>([
    ["image", "text", ({ image }) => image],
    ["in", "text", ({ place }) => place],
    ["strategy", "text", ({ strategy }) => html`<b>${strategy}</b>`],
    ["state", "text", ({ state }) => state],
    ["before", "number", ({ before }) => duration(before)],
    ["now", "number", ({ now }) => duration(now)],
    ["ratio", "number", ({ ratio }) => `×${ratio.toFixed(2)}`],
    ["95 %", "number", ({ interval }) => interval?.map((end) => end.toFixed(2)).join(" – ") ?? "–"],
    [
      "",
      "text",
      ({ verdict }) => html`<span class="${VERDICTS[verdict][0]}">${VERDICTS[verdict][1]}</span>`,
    ],
    ["earlier result", "text", ({ file }) => file],
  ], changes);
}

const VERDICTS = {
  slower: ["bad", "slower"],
  faster: ["good", "faster"],
  same: ["faint", "within noise"],
  unknown: ["faint", "too few rounds"],
} as const;

/** What was not measured, and why. */
export function absencesTable(results: Report["results"]): Html {
  return table<Result>([
    ["image", "text", ({ image }) => image],
    ["in", "text", ({ place }) => place],
    ["strategy", "text", ({ strategy }) => html`<b>${strategy}</b>`],
    ["why", "text", ({ reason }) => reason!],
    ["what to do", "text", ({ hint }) => hint ?? "–"],
  ], results);
}

function time(ms: number | undefined): string {
  return ms === undefined ? "–" : duration(ms);
}

function middle(summary: Summary | undefined): string {
  return time(summary?.median);
}

function spread(summary: Summary | undefined): string {
  if (summary === undefined || summary.n < 3) return "–";
  return `${duration(summary.p10)} – ${duration(summary.p90)}`;
}

function percent(value: number | undefined): string {
  return value === undefined ? "–" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(0)} %`;
}
