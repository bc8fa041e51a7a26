/**
 * Timing that holds on a noisy machine: the contestants run in turn, round after round, and what is reported is the ratio within each
 * round.
 *
 * @module
 */

import { median } from "../src/strategy/bench/statistics.ts";

/** One contestant. */
export interface Case {
  readonly name: string;
  /** Why it cannot take part here: it is named with that, and not run. */
  readonly skip?: string;
  /** Untimed work before each run; what it returns is handed to {@link run}. */
  readonly prepare?: (round: number) => unknown;
  /**
   * The timed work. A number returned replaces the wall-clock milliseconds (for programs that time themselves); `inside` are those of the
   * work without the start of a process, beside the wall clock's.
   */
  readonly run: (prepared: unknown, round: number) => Own | void | Promise<Own | void>;
  /** Untimed work after each run. */
  readonly settle?: (prepared: unknown, round: number) => void | Promise<void>;
}

/** Milliseconds that a program says of itself: see {@link Case.run}. */
export type Own = number | { readonly inside: number };

/** What a contestant took: milliseconds of each round. */
export interface Timing {
  readonly name: string;
  readonly milliseconds: readonly number[];
  /** Without the start of a process; empty where that is not known. */
  readonly inside: readonly number[];
  /** Why there are none. */
  readonly skipped?: string;
}

/** Runs every case once a round, in the given order, after `warmup` rounds that do not count. One that fails is out of all further rounds. */
export async function interleave(
  cases: readonly Case[],
  rounds: number,
  warmup = 1,
): Promise<Timing[]> {
  const timings = cases.map(({ name, skip }) => ({
    name,
    milliseconds: [] as number[],
    inside: [] as number[],
    ...skip === undefined ? {} : { skipped: skip },
  }));
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, one] of cases.entries()) {
      const timing = timings[index];
      if (timing.skipped !== undefined) continue;
      try {
        const { elapsed, inside } = await once(one, round);
        if (round < 0) continue;
        timing.milliseconds.push(elapsed);
        if (inside !== undefined) timing.inside.push(inside);
      } catch (error) {
        const why = `failed: ${error instanceof Error ? error.message : error}`;
        timings[index] = { name: one.name, milliseconds: [], inside: [], skipped: why };
      }
    }
  }
  return timings;
}

async function once(one: Case, round: number): Promise<{ elapsed: number; inside?: number }> {
  const prepared = await one.prepare?.(round);
  const start = performance.now();
  const own = await one.run(prepared, round);
  const elapsed = performance.now() - start;
  await one.settle?.(prepared, round);
  if (typeof own === "number") return { elapsed: own };
  return { elapsed, inside: own?.inside };
}

/** Those that ran. */
export function took(timings: readonly Timing[]): Timing[] {
  return timings.filter(({ milliseconds }) => milliseconds.length > 0);
}

/** The median of the ratios round by round: `a` over `b`; undefined where one of them did not run. */
export function ratio(a: Timing, b: Timing): number | undefined {
  const rounds = Math.min(a.milliseconds.length, b.milliseconds.length);
  if (rounds === 0) return undefined;
  return median(
    Array.from({ length: rounds }, (_, round) => a.milliseconds[round] / b.milliseconds[round]),
  );
}
