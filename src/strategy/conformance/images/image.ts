/**
 * Images that every strategy has to compose exactly, and what is claimed of them.
 *
 * @module
 */

import { type TarPiece, type Text, toBytes } from "../tar.ts";

/** One claim about a tree. It is judged by its own entries only, so that one composition answers many. */
export interface Claim {
  /** Unique within its image. */
  readonly id: string;
  /** What is expected, in one line. */
  readonly says: string;
  /**
   * What must be seen whatever the merged tree says: by path (bytes, as a snapshot has it) fields of the entry (`file mode=755`), or null
   * for no entry. These entries, and all below them, must be as the merged tree has them.
   */
  readonly shows: Readonly<Record<string, string | null>>;
}

/** An image. */
export interface TreeImage {
  /** Unique; ids of cases begin with it. */
  readonly id: string;
  /** What it is about. */
  readonly says: string;
  /** Members of its layers' archives, lowest layer first. */
  readonly layers: () => TarPiece[][];
  readonly claims: readonly Claim[];
  /** Whether it has so many entries that it is composed once only, not once for each access, and by two threads where the strategy walks. */
  readonly large?: true;
}

/** A claim; paths are text here. */
export function claim(
  id: string,
  says: string,
  shows: Readonly<Record<string, string | null>>,
): Claim {
  const entries = Object.entries(shows).map(([path, fields]) => [byteString(path), fields]);
  return { id, says, shows: Object.fromEntries(entries) };
}

/** A name as a string of its bytes, as snapshots have it. */
export function byteString(text: Text): string {
  return Array.from(toBytes(text), (byte) => String.fromCharCode(byte)).join("");
}

/** Bytes that differ from place to place, so that a piece in the wrong place shows. */
export function bytesOf(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
