/**
 * Rounds: in each one every contestant has its turn, so that whatever else the machine does meets all alike.
 *
 * @module
 */

/** How many rounds. */
export interface Pace {
  /** Just so many; undefined: as many as fit into the time. */
  readonly rounds: number | undefined;
  /** Milliseconds that all rounds together should take. */
  readonly budget: number;
}

/** Fewer rounds than these say nothing of the spread. */
const LEAST = 3;
/** More than these say no more. */
const MOST = 40;

/** Puts the contestants of a round into its order: each begins as often as any other. */
export function rotate<T>(contestants: readonly T[], round: number): T[] {
  const at = contestants.length === 0 ? 0 : round % contestants.length;
  return [...contestants.slice(at), ...contestants.slice(0, at)];
}

/**
 * Whether a contestant has one more turn: within its part of the time; up to {@link LEAST} rounds also beyond it, as long as all together
 * have not taken twice the time.
 *
 * @param done Turns that it had.
 * @param spent Milliseconds that these took.
 * @param elapsed Milliseconds that all turns of all contestants took.
 * @param contestants How many there are.
 */
export function goesOn(
  pace: Pace,
  done: number,
  spent: number,
  elapsed: number,
  contestants: number,
): boolean {
  if (pace.rounds !== undefined) return done < pace.rounds;
  if (done === 0) return true;
  if (done < LEAST && elapsed < 2 * pace.budget) return true;
  return done < MOST && spent * (done + 1) / done <= pace.budget / contestants;
}

/**
 * Gives turns to contestants until none goes on.
 *
 * @param meet A contestant's turn; false takes it out of all further rounds.
 */
export async function runRounds<T>(
  contestants: readonly T[],
  pace: Pace,
  meet: (contestant: T, round: number) => Promise<boolean>,
): Promise<void> {
  const states = contestants.map((contestant) => ({ contestant, done: 0, spent: 0, out: false }));
  const start = performance.now();
  for (let round = 0; states.some((state) => !state.out); round++) {
    for (const state of rotate(states.filter(({ out }) => !out), round)) {
      const { done, spent } = state;
      const begun = performance.now();
      if (!goesOn(pace, done, spent, begun - start, states.length)) {
        state.out = true;
        continue;
      }
      state.out = !await meet(state.contestant, round);
      state.done++;
      state.spent += performance.now() - begun;
    }
  }
}
