/**
 * A benchmark's plots, as SVG.
 *
 * @module
 */

import {
  axisX,
  axisY,
  barX,
  dot,
  gridX,
  gridY,
  line,
  link,
  type PlotOptions,
  ruleX,
  text,
  tickX,
} from "@observablehq/plot";
import type { Change } from "../../strategy/bench/compare.ts";
import type { Result, State } from "../../strategy/bench/shape.ts";
import type { Summary } from "../../strategy/bench/statistics.ts";
import { PHASES } from "../../strategy/stopwatch.ts";
import { duration } from "../terminal/units.ts";
import { svg, ticksAround } from "./drawing.ts";
import { Html } from "./html.ts";

/** What is told apart by colour: a name and a CSS colour. */
export type Key = readonly [name: string, colour: string];

/** The parts of compositions, and what comes after. */
export const PHASE_KEYS: readonly Key[] = [
  ["record", "var(--grey)"],
  ["choose", "var(--orange)"],
  ["tree", "var(--sky)"],
  ["work", "var(--blue)"],
  ["release", "var(--pink)"],
];

/** How compositions were met. */
export const STATE_KEYS: readonly (readonly [State, string])[] = [
  ["first", "var(--blue)"],
  ["again", "var(--green)"],
  ["cold", "var(--red)"],
];

const STRATEGY_COLOURS = ["blue", "red", "green", "orange", "pink", "sky", "yellow", "grey"];

/** Colours for strategies, in their order. */
export function strategyKeys(strategies: readonly string[]): Key[] {
  return strategies.map((name, n) => [
    name,
    `var(--${STRATEGY_COLOURS[n % STRATEGY_COLOURS.length]})`,
  ]);
}

const WIDTH = 900;
/** For the strategies' names. */
const LEFT = 120;
/** For a time beside a bar's end. */
const RIGHT = 80;

function draw(options: PlotOptions): Html {
  const frame = { width: WIDTH, marginLeft: LEFT, marginRight: RIGHT, marginTop: 8 };
  return new Html(svg({ ...frame, ...options }).outerHTML);
}

/** Milliseconds on an axis: `250 ms`, `1.5 s`. */
function tick(ms: number): string {
  return ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`;
}

/** As in tables: of one or two samples there is no spread. */
function spreads({ n }: Summary): boolean {
  return n >= 3;
}

/** How far the drawing of some samples reaches. */
function reach(summary: Summary): number {
  return spreads(summary) ? summary.p90 : summary.median;
}

/** The end of the longest bar or line: the scale that results at several places have in common. */
export function longest(results: readonly Result[]): number {
  return Math.max(
    ...results.flatMap(({ total: { first }, parts }) => [
      first === undefined ? 0 : reach(first),
      parts?.release ?? 0,
    ]),
  );
}

/** Medians of first compositions with their phases, the spread of the whole, and below each its release. */
export function phasesPlot(results: readonly Result[], end: number): Html {
  const measured = results.flatMap(({ strategy, total: { first }, parts }) =>
    first === undefined || parts === undefined ? [] : [{ strategy, first, parts }]
  );
  const bars = measured.flatMap(({ strategy, parts }) =>
    PHASES.map((phase) => ({
      strategy,
      phase: phase as string,
      ms: parts[phase],
      title: `${strategy}, ${phase}: ${duration(parts[phase])}`,
    }))
  );
  const releases = measured.map(({ strategy, parts: { release } }) => ({
    strategy,
    phase: "release",
    ms: release,
    title: `${strategy}, release: ${duration(release)}`,
  }));
  const ends = measured.map(({ strategy, first, parts }) => ({
    strategy,
    low: first.p10,
    high: first.p90,
    end: Math.max(reach(first), PHASES.reduce((sum, phase) => sum + parts[phase], 0)),
    median: first.median,
    spread: spreads(first),
  }));
  const lines = ends.filter(({ spread }) => spread);
  const tip = { y: "strategy", insetTop: 8, insetBottom: 20, stroke: "var(--ink)" };
  const bar = { x: "ms", y: "strategy", fill: "phase", title: "title" } as const;
  return draw({
    height: 52 + 44 * measured.length,
    x: { domain: [0, end], nice: true, label: null },
    y: { domain: measured.map(({ strategy }) => strategy), label: null, padding: 0.15 },
    color: { domain: PHASE_KEYS.map(([name]) => name), range: PHASE_KEYS.map(([, own]) => own) },
    marks: [
      gridX(),
      axisX({ tickFormat: tick, ticks: 7 }),
      axisY({ tickSize: 0, fontWeight: 600, fontSize: 13 }),
      barX(bars, { ...bar, insetTop: 2, insetBottom: 14 }),
      barX(releases, { ...bar, insetTop: 25, insetBottom: 4 }),
      link(lines, { x1: "low", x2: "high", y: "strategy", dy: -6, stroke: "var(--ink)" }),
      tickX(lines, { ...tip, x: "low" }),
      tickX(lines, { ...tip, x: "high" }),
      dot(ends, {
        x: "median",
        y: "strategy",
        dy: -6,
        r: 3,
        fill: "var(--ink)",
        stroke: "var(--paper)",
      }),
      text(ends, {
        x: "end",
        y: "strategy",
        text: ({ median }) => duration(median),
        dx: 8,
        dy: -6,
        textAnchor: "start",
      }),
      ruleX([0], { stroke: "var(--faint)" }),
    ],
  });
}

/** Every composition as a line, and the median of each state as a dot, all on a scale of ratios. */
export function samplesPlot(results: readonly Result[]): Html {
  const offset: Readonly<Record<State, number>> = { first: -9, again: 0, cold: 9 };
  const samples = results.flatMap(({ strategy, samples }) =>
    samples.map(({ state, total, round }) => ({
      strategy,
      state,
      total,
      title: `${strategy}, ${state}, round ${round + 1}: ${duration(total)}`,
    }))
  );
  const medians = results.flatMap(({ strategy, total }) =>
    STATE_KEYS.flatMap(([state]) => {
      const one = total[state];
      return one === undefined ? [] : [{
        strategy,
        state,
        median: one.median,
        title: `${strategy}, ${state}: ${duration(one.median)}, median of ${one.n}`,
      }];
    })
  );
  const { domain, ticks } = logarithmic(samples.map(({ total }) => total));
  const states = STATE_KEYS.filter(([state]) => samples.some((one) => one.state === state));
  return draw({
    height: 52 + 40 * results.length,
    x: { type: "log", domain, label: null },
    y: { domain: results.map(({ strategy }) => strategy), label: null },
    color: { domain: STATE_KEYS.map(([name]) => name), range: STATE_KEYS.map(([, own]) => own) },
    marks: [
      gridX(ticks),
      axisX(ticks, { text: tick }),
      axisY({ tickSize: 0, fontWeight: 600, fontSize: 13 }),
      states.flatMap(([state]) => {
        const own = <T extends { state: State }>(all: readonly T[]) =>
          all.filter((one) => one.state === state);
        const place = { y: "strategy", dy: offset[state], stroke: "state", title: "title" };
        return [
          tickX(own(samples), { ...place, x: "total", inset: 12, strokeOpacity: 0.45 }),
          dot(own(medians), { ...place, x: "median", fill: "state", r: 4 }),
        ];
      }),
    ],
  });
}

/** A logarithmic scale around some values, from tick to tick. */
function logarithmic(values: readonly number[]): { domain: [number, number]; ticks: number[] } {
  const ticks = ticksAround(values);
  return { domain: [ticks[0], ticks.at(-1)!], ticks };
}

/** What each of many compositions at once takes. */
export function crowdsPlot(results: readonly Result[], keys: readonly Key[]): Html {
  const points = results.flatMap(({ strategy, atOnce }) =>
    atOnce.flatMap(({ count, each }) =>
      each === undefined ? [] : [{
        strategy,
        count,
        each: each.median,
        title: `${strategy}, ${count} at once: ${duration(each.median)} each`,
      }]
    )
  );
  const counts = [...new Set(points.map(({ count }) => count))].sort((a, b) => a - b);
  const { domain, ticks } = logarithmic(points.map(({ each }) => each));
  const at = { x: "count", y: "each", stroke: "strategy" } as const;
  return draw({
    height: 300,
    marginBottom: 40,
    x: { type: "log", base: 2, label: null },
    y: { type: "log", domain, label: null },
    color: { domain: keys.map(([name]) => name), range: keys.map(([, own]) => own) },
    marks: [
      gridY(ticks),
      axisX(counts, { text: String, label: "compositions at once", labelAnchor: "center" }),
      axisY(ticks, { text: tick }),
      line(points, { ...at, strokeWidth: 2 }),
      dot(points, { ...at, fill: "strategy", r: 3.5, title: "title" }),
    ],
  });
}

/** Ratios to earlier times, with the intervals that they lie in. */
export function changesPlot(changes: readonly (Change & { readonly label: string })[]): Html {
  const colours = { slower: "red", faster: "green", same: "grey", unknown: "grey" } as const;
  const rows = changes.map(({ label, ratio, interval, verdict, before, now }) => ({
    label,
    ratio,
    low: interval?.[0] ?? ratio,
    high: interval?.[1] ?? ratio,
    colour: `var(--${colours[verdict]})`,
    title: `${label}: ×${ratio.toFixed(2)}, ${duration(before)} before, ${duration(now)} now`,
  }));
  const { domain, ticks } = logarithmic([0.5, 2, ...rows.flatMap(({ low, high }) => [low, high])]);
  return draw({
    height: 52 + 24 * rows.length,
    marginLeft: 300,
    x: { type: "log", domain, label: null },
    y: { domain: rows.map(({ label }) => label), label: null },
    marks: [
      gridX(ticks),
      axisX(ticks, { text: (ratio: number) => `×${ratio}` }),
      axisY({ tickSize: 0 }),
      ruleX([1], { stroke: "var(--ink)" }),
      link(rows, { x1: "low", x2: "high", y: "label", stroke: "colour", strokeWidth: 3 }),
      dot(rows, { x: "ratio", y: "label", fill: "colour", r: 5, title: "title" }),
    ],
  });
}
