/**
 * Errors of a layer: what they say, and how they get from one thread to another.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../error.ts";
import { EDQUOT, EMFILE, ENOSPC, EROFS, SysError } from "../linux/mod.ts";

/** An error as a message between threads carries it. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What to do about errors of the system that have a common cause. */
const HINTS = new Map([
  [ENOSPC, "Free space on the store's filesystem, for example with lamina gc, and try again."],
  [EDQUOT, "Raise the quota on the store's filesystem, or free space with lamina gc."],
  [EROFS, "Mount the store's filesystem for writing."],
  [EMFILE, "Raise the limit of open files (ulimit -n)."],
]);

/**
 * Makes of any exception an error that a person understands.
 *
 * @param doing What was being done: head of the message; nothing if it has one.
 */
export function explain(error: unknown, doing?: string): LaminaError {
  const reason = error instanceof Error ? error.message : String(error);
  const message = doing === undefined ? reason : `${doing}: ${reason}`;
  if (error instanceof LaminaError) {
    return new LaminaError(error.kind, message, { hint: error.hint, cause: error });
  }
  const hint = error instanceof SysError ? HINTS.get(error.errno) : undefined;
  return new LaminaError("failed", message, { hint, cause: error });
}

/** An error as a message. */
export function toFailure({ kind, message, hint }: LaminaError): Failure {
  return { kind, message, hint };
}

/** The error of a message. */
export function fromFailure({ kind, message, hint }: Failure): LaminaError {
  return new LaminaError(kind, message, { hint });
}
