/**
 * A benchmark beside earlier ones.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { type Report, REPORT_FORMAT, type Result, type State } from "./shape.ts";
import { compareSamples, type Comparison, median } from "./statistics.ts";

/** An earlier report. */
export interface Earlier {
  readonly file: string;
  readonly report: Report;
}

/** One strategy with one image at one place, now and before. */
export interface Change extends Comparison {
  readonly image: string;
  readonly place: string;
  readonly strategy: string;
  readonly state: State;
  /** Where it was measured before. */
  readonly file: string;
  /** Medians of whole compositions, in milliseconds. */
  readonly before: number;
  readonly now: number;
  /** What changed beyond noise; `unknown` where there are too few samples to tell. */
  readonly verdict: "slower" | "faster" | "same" | "unknown";
}

/**
 * Reads earlier reports: a file, or all in a directory that are some.
 *
 * @throws {LaminaError} `not-found` or `invalid`.
 */
export function readEarlier(path: string): Earlier[] {
  const doing = `comparing with ${path}`;
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(path);
  } catch (cause) {
    throw new LaminaError("not-found", `${doing}: there is no such file or directory`, { cause });
  }
  const hint = "Keep one with: lamina bench --json > FILE";
  if (!info.isDirectory) {
    const report = readReport(path);
    if (report !== undefined) return [{ file: path, report }];
    throw new LaminaError("invalid", `${doing}: it is no report of this benchmark`, { hint });
  }
  const files = [...Deno.readDirSync(path)].filter(({ name }) => name.endsWith(".json"))
    .map(({ name }) => `${path}/${name}`).sort();
  const found = files.flatMap((file) => {
    const report = readReport(file);
    return report === undefined ? [] : [{ file, report }];
  });
  if (found.length > 0) return found;
  throw new LaminaError("not-found", `${doing}: there is no report of this benchmark in it`, {
    hint,
  });
}

function readReport(file: string): Report | undefined {
  try {
    const value = JSON.parse(Deno.readTextFileSync(file));
    const whole = value?.format === REPORT_FORMAT &&
      [value.images, value.places, value.results].every(Array.isArray);
    return whole ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Compares what was measured with what the latest of the earlier reports says of it; what none has is left out. */
export function compareReports(report: Report, earlier: readonly Earlier[]): Change[] {
  const latest = earlier.toSorted((a, b) => (a.report.date < b.report.date ? 1 : -1));
  return report.results.flatMap((result) =>
    (["first", "again", "cold"] as const).flatMap((state) => {
      const now = times(result, state);
      if (now.length === 0) return [];
      for (const { file, report: other } of latest) {
        const match = other.results.find((one) => keyOf(one, other) === keyOf(result, report));
        const before = match === undefined ? [] : times(match, state);
        if (before.length > 0) return [change(result, state, file, now, before)];
      }
      return [];
    })
  );
}

function times({ samples }: Result, state: State): number[] {
  return samples.filter((one) => one.state === state).map(({ total }) => total);
}

/** What must be equal; the image by its digest, so that one that was built again is another. */
function keyOf({ image, place, strategy, form }: Result, { images }: Report): string {
  const digest = images.find(({ name }) => name === image)?.digest;
  return JSON.stringify([digest, place, strategy, form.access, form.isolation, form.writable]);
}

function change(
  { image, place, strategy }: Result,
  state: State,
  file: string,
  now: readonly number[],
  before: readonly number[],
): Change {
  const comparison = compareSamples(now, before);
  const { interval } = comparison;
  const verdict = interval === undefined
    ? "unknown"
    : interval[0] > 1
    ? "slower"
    : interval[1] < 1
    ? "faster"
    : "same";
  const medians = { before: median(before), now: median(now) };
  return { image, place, strategy, state, file, ...medians, ...comparison, verdict };
}
