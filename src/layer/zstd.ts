/**
 * zstd: RFC 8878. Frames one after the other are one stream, frames to be skipped among them.
 *
 * @module
 */

import { limitError } from "../limits.ts";
import type { Decoder, Output } from "./decoder.ts";
import { ZlibHandle } from "./zlib_handle.ts";

/** Undoes zstd. That a frame is cut short shows in the archive, and in its DiffID. */
export class ZstdDecoder implements Decoder {
  readonly #output: Output;
  readonly #handle: ZlibHandle;
  readonly #window: number;

  /** @param window Bytes of the largest window: what a frame asks beyond it is an error. */
  constructor(output: Output, window: number) {
    this.#output = output;
    this.#window = window;
    this.#handle = new ZlibHandle("zstd", Math.floor(Math.log2(window)));
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
    return limitError("decompressing", "a frame needs a larger window", "zstdWindow", this.#window);
  }
}
