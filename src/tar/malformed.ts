/**
 * What is said of an archive that is none, or a wrong one.
 *
 * @module
 */

import { LaminaError } from "../error.ts";

/** The error for an archive that breaks the format: `invalid`. Limits have one of their own. */
export function malformed(where: string, reason: string): LaminaError {
  return new LaminaError("invalid", `${where}: ${reason}`, {
    hint: "It is damaged, or was made wrongly: fetch or build the image again.",
  });
}
