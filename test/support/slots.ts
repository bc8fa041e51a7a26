/**
 * Where a decoder puts bytes, in tests.
 *
 * @module
 */

import type { Output } from "../../src/layer/decoder.ts";
import { concat } from "../../src/strategy/conformance/tar.ts";

/** Thrown when more comes out than may. */
export class TooMuch extends Error {}

/** Slots of a few bytes, each given away when it is full. */
export class Slots implements Output {
  slot: Uint8Array;
  used = 0;
  total = 0;
  readonly #full: Uint8Array[] = [];
  readonly #size: number;
  readonly #most: number;

  /**
   * @param size Bytes of a slot.
   * @param most Bytes in all: what is more is cut off by an error, as limits do.
   */
  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
    this.slot = new Uint8Array(size);
  }

  advance(bytes: number): void {
    this.used += bytes;
    this.total += bytes;
    if (this.total > this.#most) throw new TooMuch("too much");
    if (this.used > this.slot.length) throw new RangeError("more than the slot has room for");
    if (this.used < this.slot.length) return;
    this.#full.push(this.slot);
    this.slot = new Uint8Array(this.#size);
    this.used = 0;
  }

  /** All that was put in. */
  bytes(): Uint8Array {
    return concat(...this.#full, this.slot.subarray(0, this.used));
  }
}
