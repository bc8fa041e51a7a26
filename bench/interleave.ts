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
  /** Untimed work before each run; what it returns is handed to {@link run}. */
  readonly prepare?: (round: number) => unknown;
  /** The timed work. A number returned replaces the wall-clock milliseconds (for programs that time themselves). */
  readonly run: (prepared: unknown, round: number) => number | void | Promise<number | void>;
  /** Untimed work after each run. */
  readonly settle?: (prepared: unknown, round: number) => void | Promise<void>;
}

/** What a contestant took: milliseconds of each round. */
export interface Timing {
  readonly name: string;
  readonly milliseconds: readonly number[];
}

/** Runs every case once a round, in the given order, after `warmup` rounds that do not count. */
export async function interleave(
  cases: readonly Case[],
  rounds: number,
  warmup = 1,
): Promise<Timing[]> {
  const timings = cases.map((one) => ({ name: one.name, milliseconds: [] as number[] }));
  for (let round = -warmup; round < rounds; round++) {
    for (const [index, one] of cases.entries()) {
      const prepared = await one.prepare?.(round);
      const start = performance.now();
      const own = await one.run(prepared, round);
      const elapsed = own ?? performance.now() - start;
      await one.settle?.(prepared, round);
      if (round >= 0) timings[index].milliseconds.push(elapsed);
    }
  }
  return timings;
}

/** The median of the ratios round by round: `a` over `b`. */
export function ratio(a: Timing, b: Timing): number {
  return median(a.milliseconds.map((value, round) => value / b.milliseconds[round]));
}
