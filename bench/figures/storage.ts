/**
 * The plot of stored bytes.
 *
 * @module
 */

import { axisY, barX, gridX, ruleX } from "@observablehq/plot";
import { median } from "../../src/strategy/bench/statistics.ts";
import { STEPS, type StorageCosts } from "../storage.ts";
import { COLOURS, drawing, type Key } from "./document.ts";

/** Stacked bars: what each image adds, for each way to have them, beside the distinct contents. */
export function storageFigure(all: readonly StorageCosts[]): string {
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
