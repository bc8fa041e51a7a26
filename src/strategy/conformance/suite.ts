/**
 * The whole suite.
 *
 * @module
 */

import { concurrencyExperiments } from "./concurrency.ts";
import { contractExperiments } from "./contract.ts";
import type { Experiment } from "./experiment.ts";
import { failureExperiments } from "./failure.ts";
import { isolationExperiments } from "./isolation.ts";
import { probeExperiments } from "./probing.ts";
import { readOnlyExperiments } from "./readonly.ts";
import { releaseExperiments } from "./releasing.ts";
import { stopExperiments } from "./stopping.ts";
import type { Subject } from "./subject.ts";
import { treeExperiments } from "./tree.ts";
import { upperExperiments } from "./upper.ts";

/** All that is tried with a strategy. */
export function experimentsFor(subject: Subject): Experiment[] {
  return [
    contractExperiments,
    probeExperiments,
    treeExperiments,
    isolationExperiments,
    readOnlyExperiments,
    failureExperiments,
    stopExperiments,
    upperExperiments,
    releaseExperiments,
    concurrencyExperiments,
    storeExperiments,
  ].flatMap((experiments) => experiments(subject));
}

/** What all that came before has done to the store. */
function storeExperiments(): Experiment[] {
  const id = "store";
  return [{
    id,
    cases: [{ id: `${id}/unchanged`, says: "after all of this the store's layers are as before" }],
    run({ bed }, found) {
      for (const what of bed.changes()) found(`${id}/unchanged`, what);
    },
  }];
}
