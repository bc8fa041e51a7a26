/**
 * What undoes a compression, and where it puts the bytes.
 *
 * @module
 */

import { limitError, type Limits } from "../limits.ts";
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
}

/** Puts bytes that are there already. */
export function put(output: Output, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) {
    const { slot, used } = output;
    const piece = bytes.subarray(at, at + slot.length - used);
    slot.set(piece, used);
    output.advance(piece.length);
    at += piece.length;
  }
}

/** The filling side of a ring, as decoders use it. */
export class SlotWriter implements Output {
  readonly #ring: Ring;
  readonly #limits: Limits;
  readonly #image: BigInt64Array;
  readonly #compressed: number;
  /** What {@link total} may be, by the limits of the layer. */
  readonly #most: number;
  /** The buffer being filled. */
  slot: Uint8Array;
  /** How much of it is. */
  used = 0;
  /** Bytes written in all. */
  total = 0;

  /**
   * Makes the writer of one layer.
   *
   * @param image The count of bytes of all layers of the image, which all their writers share.
   * @param compressed Bytes that the layer has before its compression is undone; undefined where no compression is undone.
   */
  constructor(ring: Ring, limits: Limits, image: BigInt64Array, compressed = Infinity) {
    this.#ring = ring;
    this.#limits = limits;
    this.#image = image;
    this.#compressed = compressed;
    this.#most = Math.min(
      limits.layerBytes,
      Math.max(limits.ratioFloor, limits.ratio * compressed),
    );
    this.slot = ring.acquire();
  }

  /**
   * Says that `bytes` more have been put into {@link slot}, and gives it away when it is full.
   *
   * @throws {LaminaError} A limit is passed.
   * @throws {RingStopped} Nobody reads any more.
   */
  advance(bytes: number): void {
    this.used += bytes;
    this.total += bytes;
    if (this.total > this.#most) throw this.#tooMuch();
    if (this.used < this.slot.length) return;
    this.#publish();
    this.slot = this.#ring.acquire();
    this.used = 0;
  }

  /** Gives away what is left. */
  flush(): void {
    if (this.used === 0) return;
    this.#publish();
    this.used = 0;
  }

  #publish(): void {
    const bytes = BigInt(this.used);
    const image = Number(Atomics.add(this.#image, 0, bytes) + bytes);
    if (image > this.#limits.imageBytes) {
      const what = `with it the image's layers have ${image} bytes`;
      throw limitError("decompressing", what, "imageBytes", this.#limits.imageBytes);
    }
    this.#ring.publish(this.used);
  }

  #tooMuch(): Error {
    const { layerBytes, ratio } = this.#limits;
    if (this.#most < layerBytes) {
      const what = `its ${this.#compressed} bytes have become ${this.total}`;
      return limitError("decompressing", what, "ratio", ratio);
    }
    const what = `it has ${this.total} bytes so far`;
    return limitError("decompressing", what, "layerBytes", layerBytes);
  }
}
