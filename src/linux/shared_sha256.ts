/**
 * SHA-256 whose state is in shared memory, so that threads can take turns at it: SHA256_Init(3) of libcrypto. (What node:crypto and EVP
 * keep of a digest is their own.)
 *
 * @module
 */

import { openOptional } from "./library.ts";
import { LIBCRYPTO } from "./sha256.ts";

const TABLE = {
  SHA256_Init: { parameters: ["buffer"], result: "i32" },
  SHA256_Update: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  SHA256_Final: { parameters: ["buffer", "buffer"], result: "i32" },
} as const;

type Symbols = Deno.DynamicLibrary<typeof TABLE>["symbols"];

/** null: no library has them. */
let symbols: Symbols | null | undefined;

/** Bytes of memory that a state takes: `SHA256_CTX` is 28 words of 32 bits. */
export const SHARED_SHA256_BYTES = 112;

/** One digest, for the thread whose turn it is: who shares it sees to that. */
export class SharedSha256 {
  readonly #symbols: Symbols;
  readonly #state: Uint8Array<ArrayBuffer>;

  private constructor(symbols: Symbols, state: Uint8Array) {
    this.#symbols = symbols;
    // FFI takes shared memory, and its types do not know it.
    this.#state = state as Uint8Array<ArrayBuffer>;
  }

  /**
   * The digest whose state is at `offset` of the memory; undefined where no libcrypto can do it.
   *
   * @param offset A multiple of four.
   */
  static at(memory: SharedArrayBuffer, offset: number): SharedSha256 | undefined {
    if (symbols === undefined) symbols = openOptional(LIBCRYPTO, TABLE)?.symbols ?? null;
    if (symbols === null) return undefined;
    return new SharedSha256(symbols, new Uint8Array(memory, offset, SHARED_SHA256_BYTES));
  }

  /** Begins a new digest. */
  init(): void {
    this.#symbols.SHA256_Init(this.#state);
  }

  /** Adds bytes. */
  update(bytes: Uint8Array): void {
    this.#symbols.SHA256_Update(
      this.#state,
      bytes as Uint8Array<ArrayBuffer>,
      BigInt(bytes.length),
    );
  }

  /** The digest so far, 32 bytes. */
  digest(): Uint8Array {
    const digest = new Uint8Array(32);
    // Of a copy, which is used up.
    this.#symbols.SHA256_Final(digest, this.#state.slice());
    return digest;
  }
}
