/**
 * All targets.
 *
 * @module
 */

import type { Target } from "./target.ts";

/** Their names: files in `targets/`, whose default export they are. */
export const TARGETS: readonly string[] = [
  "tar",
  "pax",
  "compression",
  "erofs",
  "dump",
  "merge",
  "tar_split",
  "documents",
  "archive",
  "storage",
  "bolt",
  "text",
  "origins",
  "store",
];

/** Loads a target. */
export async function loadTarget(name: string): Promise<Target> {
  return (await import(`./targets/${name}.ts`)).default;
}
