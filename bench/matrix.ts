/**
 * `lamina bench` with generated images of many forms, on every filesystem: which strategy is how fast where, phase by phase, with a cold
 * page cache, and many at once.
 *
 * @module
 */

import { benchmarkText } from "../src/cli/terminal/benchmark.ts";
import { screenOf } from "../src/cli/terminal/screen.ts";
import type { Report } from "../src/strategy/bench/shape.ts";
import { run } from "./tool.ts";

/** What is varied, as arguments of `lamina bench`: images as `--generate` takes them, and what else. */
interface Dimension {
  readonly images: readonly string[];
  readonly more: readonly string[];
}

/** All of them. A million entries takes too long for this: see scale.ts. */
const DIMENSIONS: Readonly<Record<string, Dimension>> = {
  entries: { images: ["833,small", "16667,small", "83333,small"], more: [] },
  forms: { images: ["16667,mixed", "16667,deep", "16667,wide", "1000,large"], more: ["--cold"] },
  layers: { images: [2, 20, 100, 400].map((layers) => `8000,small,layers=${layers}`), more: [] },
  "at-once": { images: ["833,mixed"], more: ["--at-once", "1,8,32"] },
};

/** Their names. */
export const DIMENSION_NAMES: readonly string[] = Object.keys(DIMENSIONS);

/** One dimension on one filesystem. */
export interface MatrixPart {
  readonly dimension: string;
  readonly filesystem: string;
  readonly report: Report;
}

/** Measures a dimension in a directory. */
export function benchMatrix(
  lamina: string,
  on: string,
  filesystem: string,
  dimension: string,
  rounds: number,
): MatrixPart {
  const { images, more } = DIMENSIONS[dimension];
  const generate = images.flatMap((image) => ["--generate", image]);
  const how = ["--on", on, "--rounds", String(rounds), ...more];
  const program = ["--root", `${on}/no-store`, "--json", "bench"];
  return {
    dimension,
    filesystem,
    report: JSON.parse(run(lamina, [...program, ...generate, ...how])),
  };
}

/** As `lamina bench` prints it. */
export function matrixText({ dimension, filesystem, report }: MatrixPart): string {
  return `### ${dimension}, on ${filesystem}\n\n${benchmarkText(report, screenOf("stdout"))}`;
}
