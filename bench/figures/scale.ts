/**
 * The plot of times over entries.
 *
 * @module
 */

import { axisX, axisY, dot, gridX, gridY, line } from "@observablehq/plot";
import { ticksAround } from "../../src/cli/page/drawing.ts";
import { median } from "../../src/strategy/bench/statistics.ts";
import type { ScaleCost } from "../scale.ts";
import { COLOURS, drawing, type Key, time } from "./document.ts";

/** Times of whole runs of the program over entries, both logarithmic: a line for each step but releases, a plot for each filesystem. */
export function scaleFigure(costs: readonly ScaleCost[]): string {
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
