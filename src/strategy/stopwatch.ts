/**
 * Where the time of a composition goes.
 *
 * @module
 */

/** What composing consists of, in its order; `record` has all that is written to the store, before and after. */
export const PHASES = ["record", "choose", "tree", "work"] as const;

/** A part of composing. */
export type Phase = typeof PHASES[number];

/**
 * Milliseconds of each part: the composition's record made durable, before and after; strategies probed and chosen; the image's tree
 * read; the strategy's own work, without that.
 */
export type Timings = Readonly<Record<Phase, number>>;

/** Splits a stretch of time into phases, without a gap. */
export class Stopwatch {
  readonly #sums = new Map<Phase, number>();
  #last = performance.now();

  /** Adds the time since the last call, or since the beginning, to a phase; returns that time in milliseconds. */
  lap(phase: Phase): number {
    const now = performance.now();
    const elapsed = now - this.#last;
    this.#last = now;
    this.#add(phase, elapsed);
    return elapsed;
  }

  /** Says that so many milliseconds of one phase were another's. */
  move(from: Phase, to: Phase, milliseconds: number): void {
    this.#add(from, -milliseconds);
    this.#add(to, milliseconds);
  }

  /** What each phase took. */
  get timings(): Timings {
    const { record, choose, tree, work } = Object.fromEntries(
      PHASES.map((phase) => [phase, hundredths(Math.max(0, this.#sums.get(phase) ?? 0))]),
    );
    return { record, choose, tree, work };
  }

  #add(phase: Phase, milliseconds: number): void {
    this.#sums.set(phase, (this.#sums.get(phase) ?? 0) + milliseconds);
  }
}

/** Milliseconds, to the hundredth. */
export function hundredths(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/**
 * Milliseconds that this thread was ready so far and had no processor, because others did: the second field of
 * /proc/thread-self/schedstat, see the kernel's Documentation/scheduler/sched-stats.rst. 0 where the kernel does not count it.
 */
export function waited(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/thread-self/schedstat").split(" ")[1]) / 1e6 || 0;
  } catch {
    return 0;
  }
}
