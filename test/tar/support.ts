/**
 * Archives as lists of what the reader says, for comparing.
 *
 * @module
 */

import type { Limits } from "../../src/limits.ts";
import { type TarEntry, TarReader } from "../../src/tar/mod.ts";

/** An entry with its data, all values copied. */
export interface ReadEntry {
  readonly type: TarEntry["type"];
  readonly name: string;
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly nsec: number;
  readonly major: number;
  readonly minor: number;
  readonly xattrs: Record<string, string> | null;
  readonly sparse: readonly number[] | null;
  readonly offset: number;
  readonly dataOffset: number;
  /** Bytes as a string, one character each. */
  readonly data: string;
}

/** One character for each byte. */
export function byteString(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Reads an archive, pushed in pieces of the given sizes (the last again and again), else in one. */
export function readTar(
  archive: Uint8Array,
  options: { readonly limits?: Partial<Limits>; readonly pieces?: readonly number[] } = {},
): ReadEntry[] {
  const entries: ReadEntry[] = [];
  let current: (ReadEntry & { data: string }) | undefined;
  const reader = new TarReader({
    entry(entry) {
      if (current !== undefined) throw new Error("an entry begins before the last one has ended");
      current = {
        ...entry,
        xattrs: entry.xattrs &&
          Object.fromEntries([...entry.xattrs].map(([key, value]) => [key, byteString(value)])),
        sparse: entry.sparse && [...entry.sparse],
        data: "",
      };
    },
    data(bytes) {
      if (current === undefined || bytes.length === 0) throw new Error("data out of place");
      current.data += byteString(bytes);
    },
    endEntry() {
      if (current === undefined) throw new Error("an entry ends that never began");
      entries.push(current);
      current = undefined;
    },
  }, options.limits);
  const pieces = options.pieces ?? [archive.length];
  for (let at = 0, i = 0; at < archive.length; i++) {
    const size = Math.max(1, pieces[Math.min(i, pieces.length - 1)]);
    reader.push(archive.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return entries;
}
