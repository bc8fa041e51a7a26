/**
 * Where a file's content lies on its device: FS_IOC_FIEMAP, `Documentation/filesystems/fiemap.rst`.
 *
 * @module
 */

import { EOPNOTSUPP } from "./errno.ts";
import { ioctl } from "./ioctl.ts";

/** An extent's flags: its place is not known yet (not written out). */
export const FIEMAP_EXTENT_UNKNOWN = 0x2;
/** An extent's flags: compressed or encrypted; its length on the device is not that of its content. */
export const FIEMAP_EXTENT_ENCODED = 0x8;
/** An extent's flags: in a block of metadata, with other things. */
export const FIEMAP_EXTENT_DATA_INLINE = 0x200;
/** An extent's flags: other files, or other places of this one, have it too. */
export const FIEMAP_EXTENT_SHARED = 0x2000;

const FS_IOC_FIEMAP = 0xc020660b;
const FIEMAP_EXTENT_LAST = 0x1;
/** `struct fiemap` without, and `struct fiemap_extent`: bytes. */
const HEADER = 32;
const EXTENT = 56;
/** Extents that one call takes. */
const ROOM = 128;
const TWO_32 = 4294967296;

const words = new Uint32Array((HEADER + ROOM * EXTENT) / 4);
const wide = (at: number) => words[at] + words[at + 1] * TWO_32;

/**
 * Hands out the extents of an open file, in the order of its content; holes have none.
 *
 * @param visit Takes the place on the device (bytes; an identity, as filesystems of several devices have addresses of their own), the
 * length (bytes), and the flags. Must not map another file.
 * @returns 0 or `-errno`: EOPNOTSUPP or ENOTTY where the filesystem does not tell.
 */
export function fiemap(
  fd: number,
  visit: (physical: number, length: number, flags: number) => void,
): number {
  for (let start = 0;;) {
    words.fill(0, 0, HEADER / 4);
    words[0] = start % TWO_32;
    words[1] = Math.floor(start / TWO_32);
    // To the end, whatever it is.
    words[2] = words[3] = 0xffffffff;
    words[6] = ROOM;
    const r = ioctl(fd, FS_IOC_FIEMAP, words);
    if (r < 0) return r;
    const count = words[5];
    if (count === 0) return 0;
    if (count > ROOM) return -EOPNOTSUPP;
    for (let i = 0; i < count; i++) {
      const at = (HEADER + i * EXTENT) / 4;
      const flags = words[at + 10];
      const length = wide(at + 4);
      visit(wide(at + 2), length, flags);
      if ((flags & FIEMAP_EXTENT_LAST) !== 0) return 0;
      start = wide(at) + length;
    }
  }
}
