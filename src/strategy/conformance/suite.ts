/**
 * The whole suite.
 *
 * @module
 */

import type { Experiment } from "./experiment.ts";
import type { Subject } from "./subject.ts";
import { treeExperiments } from "./tree.ts";

/** All that is tried with a strategy. */
export function experimentsFor(subject: Subject): Experiment[] {
  return [...treeExperiments(subject)];
}
