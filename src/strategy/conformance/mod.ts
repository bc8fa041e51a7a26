/**
 * The conformance suite: what every strategy has to keep, as a program of experiments.
 *
 * @module
 */

export type { Case, CaseResult } from "./experiment.ts";
export { LOOP_KINDS, type LoopKind } from "./loopfs.ts";
export { checkAt, type Place, type PlaceReport } from "./places.ts";
export { type Count, countCases, skippedReasons } from "./report.ts";
export { type RunOptions, runSuite } from "./run.ts";
