/**
 * Progress that nobody sees.
 *
 * @module
 */

import type { Progress } from "./progress.ts";

/** Shows nothing. */
export const SILENT: Progress = {
  task: () => ({ update() {}, finish() {} }),
  [Symbol.dispose]() {},
};
