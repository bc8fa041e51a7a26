/**
 * The error that a person sees.
 *
 * @module
 */

/**
 * What went wrong, as far as a caller acts on it. The command line maps each kind to an exit code:
 * `failed`, `invalid`, `busy` and `exists` are 1, `usage` is 2, `not-found` is 3, `unsupported` is 4.
 */
export type ErrorKind =
  /** The operation failed; the message has the reason. */
  | "failed"
  /** The input (an image, an archive, a dump) is malformed, or is not what its digest says. */
  | "invalid"
  /** What was asked for makes no sense as asked. */
  | "usage"
  /** What was named does not exist. */
  | "not-found"
  /** This host, kernel or filesystem cannot do it. */
  | "unsupported"
  /** The target is already there. */
  | "exists"
  /** Another process holds what is needed. */
  | "busy";

/** An error with its kind and, where there is something to do about it, a hint. */
export class LaminaError extends Error {
  /** Tells it from other errors where classes cannot. */
  override readonly name = "LaminaError";
  /** What a caller can tell errors apart by. */
  readonly kind: ErrorKind;
  /** What to do about it: one imperative sentence, without the reason repeated. */
  readonly hint: string | undefined;

  /**
   * Makes an error.
   *
   * @param kind What a caller can tell errors apart by.
   * @param message What was being done, to what, and why it failed.
   * @param options `hint`: what to do about it; `cause`: the error below.
   */
  constructor(kind: ErrorKind, message: string, options?: { hint?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.hint = options?.hint;
  }
}
