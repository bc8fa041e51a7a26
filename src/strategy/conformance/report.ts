/**
 * Numbers out of results.
 *
 * @module
 */

import type { CaseResult } from "./experiment.ts";

/** How many cases came to what. */
export interface Count {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Counts results by outcome. */
export function countCases(cases: readonly CaseResult[]): Count {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome } of cases) count[outcome]++;
  return count;
}

/** Why cases were skipped, each reason once, with how many it is the reason for. */
export function skippedReasons(cases: readonly CaseResult[]): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const { reason } of cases) {
    if (reason !== undefined) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  return reasons;
}
