/**
 * Contents of files: their fs-verity digests, and whether two files have one content without reading either.
 *
 * @module
 */

import {
  check,
  ENXIO,
  fiemap,
  FIEMAP_EXTENT_DATA_INLINE,
  FIEMAP_EXTENT_ENCODED,
  FIEMAP_EXTENT_UNKNOWN,
  lseek,
  pread,
  SEEK_DATA,
  SEEK_HOLE,
} from "../../linux/mod.ts";
import { FsVerityHasher } from "../../tree/mod.ts";

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** Reads files; one for each thread. */
export class ContentReader {
  readonly #hasher = new FsVerityHasher();
  readonly #buffer = new Uint8Array(PIECE);
  /** Bytes of content that were read so far. */
  bytes = 0;

  /**
   * The fs-verity digest of an open file.
   *
   * @param size Its size.
   * @param sparse Whether it may have holes, which need not be read.
   * @throws {SysError} EIO where the disk, or fs-verity, refuses.
   */
  digest(fd: number, size: number, sparse: boolean): Uint8Array {
    this.#hasher.reset();
    for (let at = 0; at < size;) {
      const end = sparse ? this.#skipHole(fd, at, size) : { start: at, end: size };
      this.#hasher.zeros(end.start - at);
      at = this.#read(fd, end.start, end.end);
      // It is shorter than it was: its digest is another one anyway.
      if (at < end.end) break;
    }
    return this.#hasher.digest();
  }

  /** All of a small file. */
  whole(fd: number, size: number): Uint8Array {
    const got = check(pread(fd, this.#buffer.subarray(0, size), 0), "read", "the file");
    return this.#buffer.subarray(0, got);
  }

  #read(fd: number, start: number, end: number): number {
    for (let at = start; at < end;) {
      const piece = this.#buffer.subarray(0, Math.min(PIECE, end - at));
      const got = check(pread(fd, piece, at), "read", "the file");
      if (got === 0) return at;
      this.#hasher.update(piece.subarray(0, got));
      this.bytes += got;
      at += got;
    }
    return end;
  }

  /** The next part that is no hole. */
  #skipHole(fd: number, at: number, size: number): { start: number; end: number } {
    const start = lseek(fd, at, SEEK_DATA);
    if (start === -ENXIO) return { start: size, end: size };
    if (start < 0) return { start: at, end: size };
    const end = lseek(fd, start, SEEK_HOLE);
    return { start: Math.min(start, size), end: end < 0 ? size : Math.min(end, size) };
  }
}

/** Extents of which the place does not say what they hold. */
const VAGUE = FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_INLINE;

/**
 * Whether two files of one size lie in the same place on disk, by their extents. What was written and not written back yet does not count:
 * sync first. false where it cannot be told.
 */
export function sameExtents(one: number, other: number, size: number): boolean {
  const first = extents(one, size);
  if (first === undefined) return false;
  const second = extents(other, size);
  return second !== undefined && first.length === second.length &&
    first.every((value, index) => value === second[index]);
}

/** Places and lengths of a file without holes. */
function extents(fd: number, size: number): number[] | undefined {
  const places: number[] = [];
  let covered = 0;
  let plain = true;
  const r = fiemap(fd, (physical, length, flags) => {
    if ((flags & VAGUE) !== 0) plain = false;
    places.push(physical, length);
    covered += length;
  });
  return r === 0 && plain && covered >= size ? places : undefined;
}
