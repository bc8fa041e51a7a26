/**
 * Plots as SVG files that need nothing else: a title, what is shown, what colours mean.
 *
 * @module
 */

import { axisX, gridX, type PlotOptions } from "@observablehq/plot";
import { svg } from "../../src/cli/page/drawing.ts";

/** Colours of Okabe and Ito, which people who do not tell red from green can tell apart. */
export const COLOURS = {
  blue: "#0072b2",
  sky: "#56b4e9",
  green: "#009e73",
  orange: "#e69f00",
  red: "#d55e00",
  pink: "#cc79a7",
  grey: "#9aa3ad",
  ink: "#1c2127",
} as const;

/** What a colour means. */
export type Key = readonly [name: string, colour: string];

const WIDTH = 860;
/** Title, explanation and keys stand above a plot. */
const [TITLE, KEYS] = [52, 20];

/** A whole SVG document: a title, what is shown, what the colours mean, and the plot. */
export function drawing(
  title: string,
  shown: string,
  keys: readonly Key[],
  options: PlotOptions,
): string {
  const plot = svg({ width: WIDTH, ...options });
  const height = Number(plot.getAttribute("height"));
  const top = TITLE + (keys.length > 0 ? KEYS : 0);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${
      top + height
    }" font-family="system-ui, sans-serif" font-size="12" fill="${COLOURS.ink}">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="16" y="23" font-size="15" font-weight="600">${escape(title)}</text>`,
    `<text x="16" y="42" fill="#5d6672">${escape(shown)}</text>`,
    ...legend(keys),
    `<g transform="translate(0 ${top})">${plot.outerHTML}</g>`,
    "</svg>",
    "",
  ].join("\n");
}

/** Side by side; a letter is some 6.5 units wide. */
function legend(keys: readonly Key[]): string[] {
  let at = 16;
  return keys.map(([name, colour]) => {
    const x = at;
    at += 14 + 6.5 * name.length + 18;
    return `<g transform="translate(${x.toFixed(0)} ${TITLE + 12})"><rect y="-9" width="10" ` +
      `height="10" rx="2" fill="${colour}"/><text x="15">${escape(name)}</text></g>`;
  });
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

/** Milliseconds as people say them. */
export function time(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toPrecision(2).replace(/\.0$/, "")} ms`;
}

/** The marks of a logarithmic axis of times. */
export function timeAxis(ticks: readonly number[]) {
  return [gridX(ticks, { stroke: COLOURS.ink }), axisX(ticks, { text: time })];
}
