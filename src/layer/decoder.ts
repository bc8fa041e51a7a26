/**
 * What undoes a compression, and where it puts the bytes.
 *
 * @module
 */

import { limitError } from "../tar/mod.ts";
import type { Ring } from "./ring.ts";

/** Undoes one compression. Its errors are plain ones: the caller knows which layer it is. */
export interface Decoder {
  /** Takes the next bytes, all of them. */
  push(input: Uint8Array): void;
  /** Says that there are no more bytes. */
  end(): void;
}

/** Where a decoder puts bytes: into {@link slot}, from {@link used} on. */
export interface Output {
  /** The buffer being filled; another one, perhaps, after each {@link advance}. */
  readonly slot: Uint8Array;
  /** How much of it is. */
  readonly used: number;
  /** Bytes written in all. */
  readonly total: number;
  /** Says that `bytes` more have been put into {@link slot}. Afterwards it has room. */
  advance(bytes: number): void;
  /** Writes bytes that are there already. */
  write(bytes: Uint8Array): void;
}

/** The filling side of a ring, as decoders use it. */
export class SlotWriter implements Output {
  readonly #ring: Ring;
  readonly #limit: number;
  /** The buffer being filled. */
  slot: Uint8Array;
  /** How much of it is. */
  used = 0;
  /** Bytes written in all. */
  total = 0;

  /** @param limit Most bytes that may be written in all (`unpackedBytes`). */
  constructor(ring: Ring, limit: number) {
    this.#ring = ring;
    this.#limit = limit;
    this.slot = ring.acquire();
  }

  /**
   * Says that `bytes` more have been put into {@link slot}, and gives it away when it is full.
   *
   * @throws {LaminaError} The limit is passed.
   * @throws {RingStopped} Nobody reads any more.
   */
  advance(bytes: number): void {
    this.used += bytes;
    this.total += bytes;
    if (this.total > this.#limit) {
      throw limitError(
        "decompressing",
        `it has more than ${this.#limit} bytes uncompressed`,
        "unpackedBytes",
        this.#limit,
      );
    }
    if (this.used < this.slot.length) return;
    this.#ring.publish(this.used);
    this.slot = this.#ring.acquire();
    this.used = 0;
  }

  /** Writes bytes that are there already. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + this.slot.length - this.used);
      this.slot.set(bytes.subarray(at, end), this.used);
      this.advance(end - at);
      at = end;
    }
  }

  /** Gives away what is left. */
  flush(): void {
    if (this.used === 0) return;
    this.#ring.publish(this.used);
    this.used = 0;
  }
}
