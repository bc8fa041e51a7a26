/**
 * Errors of a layer: what they say, and how they get from one thread to another.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../error.ts";
import { systemHint } from "../system_hints.ts";

/** An error as a message between threads carries it. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint: string | undefined;
}

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
  return new LaminaError("failed", message, { hint: systemHint(error), cause: error });
}

/** An error as a message. */
export function toFailure({ kind, message, hint }: LaminaError): Failure {
  return { kind, message, hint };
}

/** The error of a message. */
export function fromFailure({ kind, message, hint }: Failure): LaminaError {
  return new LaminaError(kind, message, { hint });
}
