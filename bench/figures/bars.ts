/**
 * The plot of one set of contestants.
 *
 * @module
 */

import { axisX, axisY, barX, gridX, link, text } from "@observablehq/plot";
import { median } from "../../src/strategy/bench/statistics.ts";
import { took } from "../interleave.ts";
import type { Section } from "../section.ts";
import { COLOURS, drawing, time } from "./document.ts";

/** A bar for each contestant, the fastest above; the part of lamina's that is no process start is darker. */
export function barsFigure({ topic, filesystem, image, timings }: Section): string {
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
