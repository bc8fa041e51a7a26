/**
 * Fresh filesystems on loop devices: the conformance suite has them.
 *
 * @module
 */

import { LoopFs as SuiteLoopFs } from "../../src/strategy/conformance/loopfs.ts";
import { FAST } from "./temp.ts";

export { available, LOOP_KINDS, type LoopKind } from "../../src/strategy/conformance/loopfs.ts";

/** See there. */
export type LoopFs = SuiteLoopFs;

/** Makes them of files in memory where that has room, so that nothing waits for the disk. */
export const LoopFs = {
  make:
    ((kind, sizeMiB, options) =>
      SuiteLoopFs.make(kind, sizeMiB, { where: FAST, ...options })) as typeof SuiteLoopFs.make,
};
