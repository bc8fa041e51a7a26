/**
 * Many byte strings in one piece of memory.
 *
 * @module
 */

import { byteString } from "./latin1.ts";
import type { ByteString } from "./inode.ts";

/** A list of byte strings, of which each takes its bytes and four more. */
export class ByteStrings {
  /** How many there are. */
  length = 0;
  /** All of them, one after the other; another array after {@link push}. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1 << 12);
  /** Where each starts, and at the end of the list where the next one would. */
  #starts: Uint32Array;

  /** @param expected About how many there will be. */
  constructor(expected: number) {
    this.#starts = new Uint32Array(expected + 1);
  }

  /** Adds one. */
  push(text: ByteString | Uint8Array): void {
    const start = this.#starts[this.length];
    const end = start + text.length;
    if (end > this.bytes.length) this.#grow(end);
    if (typeof text === "string") {
      const { bytes } = this;
      for (let i = 0; i < text.length; i++) bytes[start + i] = text.charCodeAt(i);
    } else {
      this.bytes.set(text, start);
    }
    if (++this.length === this.#starts.length) this.#starts = doubled(this.#starts);
    this.#starts[this.length] = end;
  }

  /** Where the n-th starts in {@link bytes}. */
  start(n: number): number {
    return this.#starts[n];
  }

  /** Bytes of the n-th. */
  size(n: number): number {
    return this.#starts[n + 1] - this.#starts[n];
  }

  /** The n-th. */
  text(n: number): ByteString {
    return byteString(this.bytes, this.#starts[n], this.#starts[n + 1]);
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
    larger.set(this.bytes);
    this.bytes = larger;
  }
}

/** A copy with as much room again. */
export function doubled(numbers: Uint32Array): Uint32Array {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
