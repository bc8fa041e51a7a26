/**
 * Raw deflate (RFC 1951), in pieces of any size.
 *
 * @module
 */

import { IsalInflate, LIBISAL } from "../linux/isal.ts";
import type { InflateLibrary } from "./inflate_library.ts";
import { ZlibHandle } from "./zlib_handle.ts";

/** Inflates one stream after the other. */
export interface Inflater {
  /**
   * Inflates from `input[inputOffset…]` to `output[outputOffset…]`. While the output gets full it is to be called again with what is left
   * of the same input, even if that is nothing; afterwards all input is taken, or the stream has {@link ended}.
   *
   * @throws {Error} The data is malformed.
   */
  write(input: Uint8Array, inputOffset: number, output: Uint8Array, outputOffset: number): void;
  /** Bytes of the last call's input that were not consumed. */
  readonly inputLeft: number;
  /** Bytes of the last call's output that were not written. */
  readonly outputLeft: number;
  /** Whether the stream is over, and what is left of the input stands behind it. Where nothing is left it may be known with the next input only. */
  readonly ended: boolean;
  /** Makes it ready for the next stream. */
  reset(): void;
}

/** Makes one by a library that is there. */
export function makeInflater(library: InflateLibrary): Inflater {
  return library === LIBISAL ? new IsalInflate() : new ZlibHandle("raw");
}
