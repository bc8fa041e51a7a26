/**
 * What all plots need: drawing without a browser, and logarithmic scales.
 *
 * @module
 */

import { plot, type PlotOptions } from "@observablehq/plot";
import { parseHTML } from "linkedom/worker";

/** Draws a plot, by Observable Plot in a document that is no browser's. */
export function svg(options: PlotOptions): ReturnType<typeof plot> {
  const { document } = parseHTML("<!doctype html><html></html>") as unknown as {
    readonly document: PlotOptions["document"];
  };
  return plot({ ...options, document });
}

/**
 * The ticks of a logarithmic scale around some values: digits times powers of ten, from the last one that is not above any of them to the
 * first that is not below.
 *
 * @param values Above 0.
 */
export function ticksAround(values: readonly number[], digits = [1, 2, 5]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const steps: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    // Of 10 ** -1 * 5 no digits must be left that are not meant.
    steps.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  }
  return steps.slice(
    steps.findLastIndex((step) => step <= low),
    steps.findIndex((step) => step >= high) + 1,
  );
}
