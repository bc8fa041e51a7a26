/**
 * ISA-L's inflate, where the host has the library (Debian: `libisal2`): raw deflate, in pieces of any size.
 *
 * @module
 */

import { openOptional } from "./library.ts";

// `struct inflate_state` of igzip_lib.h, alike from 2.30 to 2.32 on all 64-bit machines; test/linux/isal_test.ts asks the
// compiler. The soname stands for it: `libisal.so.2`.
const NEXT_OUT = 0;
const AVAIL_OUT = 8;
const NEXT_IN = 16;
const AVAIL_IN = 32;
/** Bits that were read ahead. */
const READ_IN_LENGTH = 36;
const BLOCK_STATE = 21160;
const SIZE = 87368;
/** `ISAL_BLOCK_FINISH`. */
const FINISH = 5;

/** Where {@link IsalInflate} finds what it uses in `struct inflate_state`, by the names of igzip_lib.h, and its size. */
export const ISAL_LAYOUT: Readonly<Record<string, number>> = {
  next_out: NEXT_OUT,
  avail_out: AVAIL_OUT,
  next_in: NEXT_IN,
  avail_in: AVAIL_IN,
  read_in_length: READ_IN_LENGTH,
  block_state: BLOCK_STATE,
  sizeof: SIZE,
  ISAL_BLOCK_FINISH: FINISH,
};

/** The library's file. */
export const LIBISAL = "libisal.so.2";

const TABLE = {
  isal_inflate_init: { parameters: ["buffer"], result: "void" },
  isal_inflate: { parameters: ["buffer"], result: "i32" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof TABLE>["symbols"];

/** null: the host has it not. */
let symbols: Symbols | null | undefined;

/** Whether the host has the library, and the library does what it should. */
export function hasIsal(): boolean {
  return library() !== null;
}

function library(): Symbols | null {
  if (symbols !== undefined) return symbols;
  symbols = openOptional([LIBISAL], TABLE)?.symbols ?? null;
  if (symbols !== null && !inflatesRightly()) symbols = null;
  return symbols;
}

/** A stored block "a" and a fixed one "bcbcb", in two pieces, and a byte behind them: a library with another layout fails here. */
function inflatesRightly(): boolean {
  const input = Uint8Array.of(0, 1, 0, 254, 255, 97, 75, 74, 78, 74, 78, 2, 0, 153);
  const output = new Uint8Array(16);
  const inflate = new IsalInflate();
  try {
    inflate.write(input.subarray(0, 8), 0, output, 0);
    const written = output.length - inflate.outputLeft;
    if (inflate.ended || inflate.inputLeft > 0) return false;
    inflate.write(input, 8, output, written);
  } catch {
    return false;
  }
  const text = String.fromCharCode(...output.subarray(0, output.length - inflate.outputLeft));
  return inflate.ended && inflate.inputLeft === 1 && text === "abcbcb";
}

/** One decompressor. */
export class IsalInflate {
  readonly #symbols: Symbols;
  readonly #state = new Uint8Array(SIZE);
  readonly #words = new Uint32Array(this.#state.buffer);
  readonly #pointers = new BigUint64Array(this.#state.buffer);
  /** Bytes of the last call's input that were not consumed. */
  inputLeft = 0;
  /** Bytes of the last call's output that were not written. */
  outputLeft = 0;
  /** Whether the stream has ended: what is left of the input is behind it. */
  ended = false;

  /** @throws {Error} The host does not have the library. */
  constructor() {
    const found = library();
    if (found === null) throw new Error(`${LIBISAL} is not there`);
    this.#symbols = found;
    this.reset();
  }

  /**
   * Decompresses from `input[inputOffset…]` to `output[outputOffset…]` until the output is full, the input used up, or the stream over.
   *
   * It takes more input than the output has room for. So when the output is full it must be called with what is left of the same
   * input, even if that is nothing, before any other input: else the bytes behind the stream's end may be lost.
   *
   * @throws {Error} The data is malformed.
   */
  write(
    input: Uint8Array,
    inputOffset: number,
    output: Uint8Array,
    outputOffset: number,
  ): void {
    const words = this.#words;
    const available = input.length - inputOffset;
    this.#pointers[NEXT_IN / 8] = address(input) + BigInt(inputOffset);
    words[AVAIL_IN / 4] = available;
    this.#pointers[NEXT_OUT / 8] = address(output) + BigInt(outputOffset);
    words[AVAIL_OUT / 4] = output.length - outputOffset;
    if (this.#symbols.isal_inflate(this.#state) !== 0) throw new Error("malformed deflate data");
    this.outputLeft = words[AVAIL_OUT / 4];
    this.inputLeft = words[AVAIL_IN / 4];
    this.ended = words[BLOCK_STATE / 4] === FINISH;
    // Whole bytes that it had read ahead are behind the stream. Versions after 2.32 have given them back already.
    if (this.ended) this.inputLeft += words[READ_IN_LENGTH / 4] >> 3;
  }

  /** Makes it ready for the next stream. */
  reset(): void {
    this.#symbols.isal_inflate_init(this.#state);
    this.ended = false;
  }
}

/** Where the bytes are. They stay there: the memory of a view that has once been handed out does not move. */
function address(bytes: Uint8Array): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes as Uint8Array<ArrayBuffer>));
}
