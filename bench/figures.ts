/**
 * The plots of the results page, each out of what runs wrote as JSON.
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
  ruleX,
  text,
  tickX,
} from "@observablehq/plot";
import { median } from "../src/strategy/bench/statistics.ts";
import { DIRECTORIES } from "./directories.ts";
import type { Timing } from "./interleave.ts";
import { COLOURS, drawing, type Key, ticksAround, time, timeAxis } from "./plot.ts";
import type { Run, Section } from "./report.ts";
import type { ScaleCost } from "./scale.ts";
import { STEPS, type StorageCosts } from "./storage.ts";

/** Draws what a run has the figures for: names of files, and what belongs into them. */
export function figures(run: Run): Map<string, string> {
  const directories = run.sections.filter(({ topic }) =>
    (DIRECTORIES as readonly string[]).includes(topic)
  );
  const mounts = run.sections.find(({ topic }) => topic === "mounts");
  const pull = run.sections.find(({ topic }) => topic === "pull");
  return new Map([
    ...directories.length > 0 ? [["directories.svg", directoriesFigure(directories)] as const] : [],
    ...mounts === undefined ? [] : [["mounts.svg", barsFigure(mounts)] as const],
    ...pull === undefined ? [] : [["pull.svg", barsFigure(pull)] as const],
    ...run.scale.length > 0 ? [["scale.svg", scaleFigure(run.scale)] as const] : [],
    ...run.storage.length > 0 ? [["storage.svg", storageFigure(run.storage)] as const] : [],
  ]);
}

/** Who is who among those that make directories, by the beginning of their names. */
const KINDS: readonly (readonly [prefix: string, ...key: Key])[] = [
  ["the same system calls", "C, one thread and two (floors)", COLOURS.ink],
  ["lamina", "lamina", COLOURS.blue],
  ["cp", "cp", COLOURS.orange],
  ["rsync", "rsync", COLOURS.pink],
  ["ostree", "ostree checkout", COLOURS.green],
  ["go-microvm", "go-microvm CloneDir", COLOURS.red],
];

function kindOf({ name }: Timing): Key {
  const [, key, colour] = KINDS.find(([prefix]) => name.startsWith(prefix))!;
  return [key, colour];
}

function took(timings: readonly Timing[]): Timing[] {
  return timings.filter(({ milliseconds }) => milliseconds.length > 0);
}

/** A row for each strategy and filesystem, a dot for each contestant. */
function directoriesFigure(sections: readonly Section[]): string {
  const rows = sections.toSorted((a, b) =>
    DIRECTORIES.findIndex((one) => one === a.topic) -
    DIRECTORIES.findIndex((one) => one === b.topic)
  );
  const rowOf = ({ topic, filesystem }: Section) => `${topic} · ${filesystem}`;
  const dots = rows.flatMap((section) =>
    took(section.timings).map((timing) => ({
      row: rowOf(section),
      ms: median(timing.milliseconds),
      colour: kindOf(timing)[1],
      floor: kindOf(timing)[1] === COLOURS.ink,
      title: `${timing.name}: ${time(median(timing.milliseconds))}`,
    }))
  );
  const insides = rows.flatMap((section) =>
    section.timings.filter(({ name, inside }) => name.startsWith("lamina") && inside.length > 0)
      .map(({ milliseconds, inside }) => ({
        row: rowOf(section),
        from: median(inside),
        to: median(milliseconds),
      }))
  );
  const ticks = ticksAround([...dots.map(({ ms }) => ms), ...insides.map(({ from }) => from)]);
  const keys = KINDS.map(([, name, colour]): Key => [name, colour])
    .filter(([, colour]) => dots.some((one) => one.colour === colour));
  const shown =
    "Medians, on a logarithmic scale; lamina's line ends at its time without process start.";
  return drawing(`A directory out of ${sections[0].image}`, shown, keys, {
    height: 60 + 30 * rows.length,
    marginLeft: 120,
    marginRight: 30,
    x: { type: "log", domain: [ticks[0], ticks.at(-1)!], label: null },
    y: { domain: rows.map(rowOf), label: null },
    marks: [
      timeAxis(ticks),
      axisY({ tickSize: 0, fontSize: 12 }),
      link(insides, {
        x1: "from",
        x2: "to",
        y: "row",
        stroke: COLOURS.blue,
        strokeWidth: 3,
      }),
      dot(dots.filter(({ floor }) => !floor), {
        x: "ms",
        y: "row",
        fill: "colour",
        stroke: "white",
        r: 6,
        title: "title",
      }),
      tickX(dots.filter(({ floor }) => floor), {
        x: "ms",
        y: "row",
        stroke: "colour",
        strokeWidth: 3,
        inset: 3,
        title: "title",
      }),
    ],
  });
}

/** A bar for each contestant, the fastest above; the part of lamina's that is no process start is darker. */
function barsFigure({ topic, filesystem, image, timings }: Section): string {
  const rows = took(timings).map(({ name, milliseconds, inside }) => ({
    name,
    ms: median(milliseconds),
    low: Math.min(...milliseconds),
    high: Math.max(...milliseconds),
    inside: inside.length === 0 ? 0 : median(inside),
    ours: name.startsWith("lamina"),
  })).sort((a, b) => a.ms - b.ms);
  const insides = rows.filter(({ inside }) => inside > 0);
  return drawing(
    `${topic} on ${filesystem}: ${image}`,
    "Medians; lines reach from the least to the most.",
    [
      ["lamina", insides.length > 0 ? COLOURS.sky : COLOURS.blue],
      ...insides.length > 0 ? [["… without process start", COLOURS.blue] as const] : [],
      ["others", COLOURS.grey],
    ],
    {
      height: 50 + 26 * rows.length,
      marginLeft: 290,
      marginRight: 70,
      x: { label: null, domain: [0, Math.max(...rows.map(({ high }) => high))] },
      y: { domain: rows.map(({ name }) => name), label: null, padding: 0.25 },
      marks: [
        gridX({ stroke: COLOURS.ink }),
        axisX({ tickFormat: time, ticks: 7 }),
        axisY({ tickSize: 0, fontSize: 12 }),
        barX(rows, {
          x: "ms",
          y: "name",
          fill: ({ ours }) =>
            !ours ? COLOURS.grey : insides.length > 0 ? COLOURS.sky : COLOURS.blue,
        }),
        barX(insides, { x: "inside", y: "name", fill: COLOURS.blue }),
        link(rows, { x1: "low", x2: "high", y: "name", stroke: COLOURS.ink }),
        text(rows, {
          x: "high",
          y: "name",
          text: ({ ms }) => time(ms),
          dx: 8,
          textAnchor: "start",
        }),
      ],
    },
  );
}

/** Stacked bars: what each image adds, for each way to have them, beside the distinct contents. */
function storageFigure(all: readonly StorageCosts[]): string {
  const colours = [COLOURS.blue, COLOURS.sky, COLOURS.green, COLOURS.orange, COLOURS.pink];
  const parts = all.flatMap(({ kind, accounts }) =>
    accounts.flatMap(({ name, stored }) =>
      stored.map((costs, step) => ({
        kind,
        name,
        step: STEPS[step],
        gb: median(costs.map(({ bytes }) => bytes)) / 1e9,
      }))
    )
  );
  const floors = all.map(({ kind, contents }) => ({
    kind,
    gb: (contents.at(-1)?.bytes ?? NaN) / 1e9,
  }));
  const names = [...new Set(parts.map(({ name }) => name))];
  return drawing(
    "What images take, one after the other, in GB",
    "By what the filesystem has less. The line: all distinct contents.",
    STEPS.map((step, n): Key => [step, colours[n]]),
    {
      height: 40 + 100 * all.length,
      marginLeft: 245,
      marginRight: 60,
      x: { label: null },
      y: { domain: names, label: null, padding: 0.2 },
      fy: { label: null, domain: all.map(({ kind }) => kind) },
      color: { domain: STEPS, range: colours },
      marks: [
        gridX({ stroke: COLOURS.ink }),
        axisY({ tickSize: 0, fontSize: 12 }),
        barX(parts, { x: "gb", y: "name", fy: "kind", fill: "step" }),
        ruleX(floors, { x: "gb", fy: "kind", stroke: COLOURS.ink, strokeWidth: 2 }),
      ],
    },
  );
}

/** Times of whole runs of the program over entries, both logarithmic: a line for each step but releases, a plot for each filesystem. */
function scaleFigure(costs: readonly ScaleCost[]): string {
  const steps: readonly Key[] = [
    ["pull", COLOURS.ink],
    ["copy", COLOURS.orange],
    ["reflink", COLOURS.red],
    ["hardlink", COLOURS.pink],
    ["overlay", COLOURS.green],
    ["composefs", COLOURS.blue],
  ];
  const points = costs.filter(({ step }) => steps.some(([name]) => name === step)).map((
    { filesystem, entries, step, spent },
  ) => ({ filesystem, entries, step, ms: median(spent.map(({ seconds }) => seconds)) * 1000 }))
    .sort((a, b) => a.entries - b.entries);
  const sizes = [...new Set(points.map(({ entries }) => entries))].sort((a, b) => a - b);
  const ticks = ticksAround(points.map(({ ms }) => ms), [1]);
  const at = { x: "entries", y: "ms", stroke: "step", fx: "filesystem" } as const;
  return drawing(
    "Time over entries",
    "Whole runs of the program, process start included; both scales are logarithmic.",
    steps,
    {
      height: 360,
      marginLeft: 60,
      marginBottom: 40,
      x: { type: "log", domain: [sizes[0], sizes.at(-1)!], label: null },
      y: { type: "log", domain: [ticks[0], ticks.at(-1)!], label: null },
      fx: { label: null },
      color: { domain: steps.map(([name]) => name), range: steps.map(([, colour]) => colour) },
      marks: [
        gridX(ticksAround(sizes, [1]), { stroke: COLOURS.ink }),
        gridY(ticks, { stroke: COLOURS.ink }),
        axisX(ticksAround(sizes, [1]), {
          text: (entries: number) => entries.toLocaleString("en"),
          label: "entries",
          labelAnchor: "center",
        }),
        axisY(ticks, { text: time }),
        line(points, { ...at, strokeWidth: 2 }),
        dot(points, { ...at, fill: "step", r: 3 }),
      ],
    },
  );
}

/** One line of a plot over 1, 2, 3 …. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
}

/** Lines over 1, 2, 3 …, both axes logarithmic. */
export function linesFigure(
  title: string,
  shown: string,
  xLabel: string,
  yLabel: string,
  series: readonly Series[],
): string {
  const colours = [COLOURS.red, COLOURS.blue, COLOURS.green];
  const points = series.flatMap(({ name, values }, n) =>
    values.map((value, at) => ({ name, x: at + 1, value, colour: colours[n] }))
  );
  const across = ticksAround(points.map(({ x }) => x));
  const up = ticksAround(points.map(({ value }) => value));
  return drawing(title, shown, series.map(({ name }, n) => [name, colours[n]]), {
    height: 360,
    marginLeft: 60,
    marginRight: 30,
    marginBottom: 40,
    x: { type: "log", domain: [1, Math.max(...points.map(({ x }) => x))], label: null },
    y: { type: "log", domain: [up[0], up.at(-1)!], label: yLabel },
    marks: [
      gridY(up, { stroke: COLOURS.ink }),
      gridX(across, { stroke: COLOURS.ink }),
      axisX(across, { text: String, label: xLabel, labelAnchor: "center" }),
      axisY(up, { text: String }),
      line(points, { x: "x", y: "value", z: "name", stroke: "colour", strokeWidth: 2 }),
    ],
  });
}
