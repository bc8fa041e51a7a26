/**
 * Errors and the status codes of HTTP (RFC 9110, section 15).
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../error.ts";

const STATUS: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  "not-found": 404,
  exists: 409,
  busy: 409,
  invalid: 422,
  failed: 500,
  unsupported: 501,
};

/** The status that stands for a kind of error. */
export function statusOf(kind: ErrorKind): number {
  return STATUS[kind];
}

/** A request that is refused before anybody looks at what it asks for. */
export class Refusal extends LaminaError {
  /** The status of the answer. */
  readonly status: number;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    kind: ErrorKind,
    message: string,
    options?: {
      readonly hint?: string;
      readonly cause?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ) {
    super(kind, message, options);
    this.status = status;
    this.headers = options?.headers ?? {};
  }
}
