/**
 * What the suite is made of: experiments, each of which answers several cases.
 *
 * @module
 */

import type { Subject } from "./subject.ts";

/** One expectation. */
export interface Case {
  /** Stable and unique: what `--filter` looks for. */
  readonly id: string;
  /** What is expected, in one line. */
  readonly says: string;
}

/** One thing that is done with a strategy, and the cases that it answers. */
export interface Experiment {
  /** What the ids of its cases begin with. */
  readonly id: string;
  readonly cases: readonly Case[];
  /** Why it cannot be done with this strategy here; undefined if it can. */
  readonly obstacle?: string;
  /**
   * Does it. Cases of which nothing is found pass, if it comes to its end.
   *
   * @param found Says what is wrong with a case.
   * @throws {Impossible} Where it turns out that it cannot be done here. Anything else fails all cases.
   */
  run(subject: Subject, found: (id: string, what: string) => void): Promise<void> | void;
}

/** Thrown by an experiment that cannot be done here: its cases are skipped. */
export class Impossible extends Error {
  override readonly name = "Impossible";
}

/** What came of a case. */
export interface CaseResult extends Case {
  readonly outcome: "passed" | "failed" | "skipped";
  /** Of a failed case: what was found instead, one line each. */
  readonly found?: readonly string[];
  /** Of a skipped case: why. */
  readonly reason?: string;
}
