/**
 * zstd: RFC 8878. Frames one after the other are one stream, frames to be skipped among them.
 *
 * @module
 */

import type { Decoder, Output } from "./decoder.ts";
import { ZlibHandle } from "./zlib_handle.ts";

/** Undoes zstd. That a frame is cut short shows in the archive, and in its DiffID. */
export class ZstdDecoder implements Decoder {
  readonly #output: Output;
  readonly #handle: ZlibHandle;
  readonly #windowLog: number;

  /** @param windowLog Largest window, as power of two: what a frame asks beyond it is an error. */
  constructor(output: Output, windowLog: number) {
    this.#output = output;
    this.#windowLog = windowLog;
    this.#handle = new ZlibHandle("zstd", windowLog);
  }

  push(input: Uint8Array): void {
    const output = this.#output;
    const handle = this.#handle;
    for (let at = 0;;) {
      const { slot, used } = output;
      try {
        handle.write(input, at, slot, used);
      } catch (error) {
        throw this.#explain(error as Error);
      }
      at = input.length - handle.inputLeft;
      output.advance(slot.length - used - handle.outputLeft);
      // What did not fit comes with the next call, even when all input is taken.
      if (at === input.length && handle.outputLeft > 0) return;
    }
  }

  end(): void {}

  #explain(error: Error): Error {
    if (!error.message.includes("too much memory")) return error;
    return new Error(
      `a frame needs a window of more than 2^${this.#windowLog} bytes, over the limit ` +
        `zstdWindowLog = ${this.#windowLog}; if you trust where this comes from, raise it`,
    );
  }
}
