/**
 * Synchronous decompression by node:zlib, without its streams.
 *
 * The streams of node:zlib sit on a handle whose `writeSync` takes input and output buffers as they are; npm's
 * minizlib, and so every `npm:tar`, lives on the same handle, which keeps it from changing. It writes into shared memory directly, which the
 * streams do not.
 *
 * @module
 */

import zlib from "node:zlib";
import { LaminaError } from "../error.ts";

interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputOffset: number,
    inputLength: number,
    output: Uint8Array,
    outputOffset: number,
    outputLength: number,
  ): void;
  reset(): void;
  onerror: (message: string, errno: number) => void;
}

interface HandleStream {
  readonly _handle: Handle;
  /** Left of the output and of the input after a call. */
  readonly _writeState: Uint32Array;
}

/** One decompressor. */
export class ZlibHandle {
  readonly #stream: HandleStream;
  #error: string | undefined;
  /** Bytes of the last call's input that were not consumed. */
  inputLeft = 0;
  /** Bytes of the last call's output that were not written. */
  outputLeft = 0;

  /**
   * @param format `raw`: deflate without header and trailer; `zstd`: frames, one after the other.
   * @param windowLog zstd: largest window, as power of two; memory is taken for it.
   */
  constructor(format: "raw" | "zstd", windowLog = 27) {
    const { ZSTD_d_windowLogMax } = zlib.constants as unknown as Record<string, number>;
    const stream =
      (format === "raw"
        ? zlib.createInflateRaw()
        : zlib.createZstdDecompress({ params: { [ZSTD_d_windowLogMax]: windowLog } })) as unknown;
    this.#stream = stream as HandleStream;
    if (typeof this.#stream._handle?.writeSync !== "function") {
      throw new LaminaError(
        "unsupported",
        `decompressing: node:zlib of Deno ${Deno.version.deno} has no synchronous handle`,
        { hint: "Use the released binary, or Deno 2.7 to 2.9." },
      );
    }
    this.#stream._handle.onerror = (message) => this.#error = message;
  }

  /**
   * Decompresses from `input[inputOffset…]` to `output[outputOffset…]` until one of them is used up, or a stream ends.
   *
   * @throws {Error} The data is malformed.
   */
  write(
    input: Uint8Array,
    inputOffset: number,
    output: Uint8Array,
    outputOffset: number,
  ): void {
    const { _handle, _writeState } = this.#stream;
    const inputLength = input.length - inputOffset;
    const outputLength = output.length - outputOffset;
    _handle.writeSync(0, input, inputOffset, inputLength, output, outputOffset, outputLength);
    if (this.#error !== undefined) {
      const error = this.#error;
      this.#error = undefined;
      throw new Error(error);
    }
    this.outputLeft = _writeState[0];
    this.inputLeft = _writeState[1];
  }

  /** Of deflate: whether the stream is over. With input and room left it stops nowhere else. */
  get ended(): boolean {
    return this.inputLeft > 0 && this.outputLeft > 0;
  }

  /** Makes it ready for the next stream. */
  reset(): void {
    this.#stream._handle.reset();
  }
}
