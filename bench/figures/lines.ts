/**
 * Lines over counted things.
 *
 * @module
 */

import { axisX, axisY, gridX, gridY, line } from "@observablehq/plot";
import { ticksAround } from "../../src/cli/page/drawing.ts";
import { COLOURS, drawing } from "./document.ts";

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
