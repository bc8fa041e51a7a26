/**
 * Maps of sparse files: old GNU, and PAX 1.0 (GNU tar manual, "Storing Sparse Files").
 *
 * @module
 */

import type { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import { parseNumber } from "./header.ts";
import { malformed } from "./malformed.ts";

/**
 * Appends the parts that an old GNU header (`offset` 386, 4 parts) or extension block (0, 21 parts) lists.
 *
 * @throws {LaminaError} `invalid`.
 */
export function readGnuParts(
  block: Uint8Array,
  offset: number,
  count: number,
  map: number[],
  where: string,
  limits: Limits,
): void {
  for (let i = 0; i < count; i++, offset += 24) {
    if (block[offset + 12] === 0) return;
    const start = parseNumber(block, offset, 12);
    const length = parseNumber(block, offset + 12, 12);
    if (!(start >= 0 && length >= 0)) throw wrong(where, "a number in it is malformed");
    map.push(start, length);
    if (map.length > 2 * limits.sparseParts) throw tooManyParts(where, map.length >> 1, limits);
  }
}

/** Reads a PAX 1.0 map: decimal numbers, a line each, before the data; first how many parts there are. */
export class SparseMapReader {
  /** Offset, length, offset, length …, complete when {@link block} returns true. */
  readonly map: number[] = [];
  #count = -1;
  #number = 0;
  #digits = 0;

  /** @param where Head of error messages. */
  constructor(private readonly where: string, private readonly limits: Limits) {}

  /**
   * Takes the next block of 512 bytes.
   *
   * @returns Whether the map is complete; what is left of the block is padding.
   * @throws {LaminaError} `invalid`.
   */
  block(block: Uint8Array): boolean {
    for (let i = 0; i < block.length; i++) {
      if (block[i] !== 0x0a) {
        const digit = block[i] - 0x30;
        if (digit < 0 || digit > 9 || ++this.#digits > 16) {
          throw wrong(this.where, "a number in it is malformed");
        }
        this.#number = this.#number * 10 + digit;
        continue;
      }
      if (this.#digits === 0) throw wrong(this.where, "a number in it is missing");
      if (this.#count < 0) {
        this.#count = this.#number;
        if (this.#count > this.limits.sparseParts) {
          throw tooManyParts(this.where, this.#count, this.limits);
        }
      } else {
        this.map.push(this.#number);
      }
      this.#number = 0;
      this.#digits = 0;
      if (this.map.length === 2 * this.#count) return true;
    }
    return false;
  }
}

/**
 * Checks a map against the file's size and the bytes of data that the archive holds, and leaves out empty parts.
 *
 * @throws {LaminaError} `invalid`.
 */
export function checkSparseMap(
  map: readonly number[],
  size: number,
  stored: number,
  where: string,
): number[] {
  const result: number[] = [];
  let end = 0;
  let sum = 0;
  if ((map.length & 1) !== 0) throw wrong(where, "an offset in it has no length");
  for (let i = 0; i < map.length; i += 2) {
    const start = map[i];
    const length = map[i + 1];
    if (start < end || start + length > size) {
      throw wrong(where, "its parts overlap, are out of order or reach beyond the file's end");
    }
    end = start + length;
    sum += length;
    if (length > 0) result.push(start, length);
  }
  if (sum !== stored) {
    throw wrong(where, `it lists ${sum} bytes of data where the archive has ${stored}`);
  }
  return result;
}

/** The error for a sparse file of too many parts. */
export function tooManyParts(where: string, parts: number, limits: Limits): LaminaError {
  return limitError(where, `a sparse file has ${parts} parts`, "sparseParts", limits.sparseParts);
}

function wrong(where: string, reason: string): LaminaError {
  return malformed(where, `the map of a sparse file is wrong: ${reason}`);
}
