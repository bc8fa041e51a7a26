/**
 * A composefs image as bytes: its header and inodes, every access within bounds. Nothing is decoded before it is asked
 * for, and nothing is allocated.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  BLOCK,
  COMPACT,
  COMPOSEFS_MAGIC,
  EROFS_MAGIC,
  EXTENDED,
  HEADER_VERSION,
  LAYOUT_CHUNKS,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  SLOT,
  SUPERBLOCK,
  SUPERBLOCK_SIZE,
  XATTR_HEADER,
} from "./erofs_format.ts";
import { type ByteString, S_IFCHR, S_IFDIR, S_IFMT } from "./inode.ts";

/** The names of stubs. Not a set: making that takes longer than a whole root directory's questions. */
const STUB = /^[0-9a-f]{2}$/;
const TWO_32 = 2 ** 32;
const FIRST_NID = (SUPERBLOCK + SUPERBLOCK_SIZE) / SLOT;
/** Larger images do not occur, and the arithmetic here is on 32 bits. */
const MAX_SIZE = 2 ** 31;

/** The error for an image that is not as it must be. */
export function malformed(reason: string): LaminaError {
  return new LaminaError("invalid", `the composefs image is malformed: ${reason}`, {
    hint: "If it is in a store, check that with `lamina fsck`.",
  });
}

/** Where the data of an inode is: first in blocks, the rest behind the inode. */
export interface DataPlace {
  /** Where its blocks start. */
  blocks: number;
  /** Bytes of data in them. */
  blocksLength: number;
  /** Where its tail starts. */
  tail: number;
  /** Bytes of that. */
  tailLength: number;
}

/** An image, for reading. Inodes are named by their nid, which is their place in units of 32 bytes. */
export class ErofsImage {
  /** All of it. */
  readonly bytes: Uint8Array;
  /** The same in 16 bits; little-endian, as are all machines that this runs on. */
  readonly u16: Uint16Array;
  /** The same in 32 bits. */
  readonly u32: Uint32Array;
  /** Version of the format: 0 or 1. */
  readonly version: number;
  /** The root directory. */
  readonly rootNid: number;
  /** Number of inodes, with the stubs. */
  readonly inodes: number;
  /** Modification time of compact inodes, seconds. */
  readonly mtime: number;
  /** Modification time of compact inodes, nanoseconds. */
  readonly nsec: number;
  /** Start of the block that references to shared xattrs count from. */
  readonly sharedXattrs: number;
  readonly #lastNid: number;

  /**
   * Checks the header.
   *
   * @throws LaminaError (invalid) for what is no composefs image, is of an unknown version, or cut short.
   */
  constructor(image: Uint8Array) {
    const size = image.length;
    if (size < SUPERBLOCK + SUPERBLOCK_SIZE) throw malformed(`it has ${size} bytes`);
    if (size > MAX_SIZE) throw malformed(`it has more than ${MAX_SIZE} bytes`);
    const bytes = image.byteOffset % 4 === 0 ? image : image.slice();
    this.bytes = bytes;
    this.u16 = new Uint16Array(bytes.buffer, bytes.byteOffset, size >>> 1);
    const u32 = this.u32 = new Uint32Array(bytes.buffer, bytes.byteOffset, size >>> 2);
    if (u32[0] !== COMPOSEFS_MAGIC || u32[1] !== HEADER_VERSION) {
      throw malformed("it does not start as one");
    }
    if (u32[3] > 1) throw malformed(`it is of version ${u32[3]}, only 0 and 1 are known`);
    this.version = u32[3];
    const sb = SUPERBLOCK / 4;
    if (u32[sb] !== EROFS_MAGIC || (u32[sb + 3] & 0xffff) !== Math.log2(BLOCK)) {
      throw malformed("its superblock is not one of EROFS with blocks of 4096 bytes");
    }
    if (u32[sb + 20] !== 0) throw malformed("it needs features that are not known");
    // Inodes count from there: what the kernel saw would be another tree.
    if (u32[sb + 10] !== 0) throw malformed("its inodes do not count from its start");
    if (u32[sb + 9] * BLOCK !== size) {
      throw malformed(`it has ${size} bytes, but should have ${u32[sb + 9] * BLOCK}`);
    }
    this.rootNid = u32[sb + 3] >>> 16;
    this.inodes = u32[sb + 4];
    this.mtime = (u32[sb + 7] | 0) * TWO_32 + u32[sb + 6];
    this.nsec = u32[sb + 8];
    this.sharedXattrs = u32[sb + 11] * BLOCK;
    // A block of the root directory follows all inodes, so there is room for an extended one.
    this.#lastNid = size / SLOT - EXTENDED / SLOT;
    if (u32[sb + 5] !== 0 || this.inodes > size / SLOT) {
      throw malformed("it says that it has more inodes than it has room for");
    }
    if ((this.mode(this.rootNid) & S_IFMT) !== S_IFDIR) throw malformed("its root is no directory");
  }

  /** Checks that an inode can be there. */
  #check(nid: number): void {
    if (!(nid >= FIRST_NID && nid <= this.#lastNid)) throw malformed(`there is no inode ${nid}`);
  }

  /** Whether it is one of 64 bytes. */
  isExtended(nid: number): boolean {
    this.#check(nid);
    return (this.u16[nid << 4] & 1) !== 0;
  }

  /** How its data is kept: one of the `LAYOUT_` constants. */
  layout(nid: number): number {
    this.#check(nid);
    const layout = this.u16[nid << 4] >> 1;
    if (layout !== LAYOUT_PLAIN && layout !== LAYOUT_INLINE && layout !== LAYOUT_CHUNKS) {
      throw malformed(`inode ${nid} has the unknown layout ${layout}`);
    }
    return layout;
  }

  /** `i_mode`. */
  mode(nid: number): number {
    this.#check(nid);
    return this.u16[(nid << 4) + 2];
  }

  /** `i_size`. */
  size(nid: number): number {
    const low = nid << 3;
    return this.isExtended(nid)
      ? this.u32[low + 3] * TWO_32 + this.u32[low + 2]
      : this.u32[low + 2];
  }

  /** `i_u`: first block, device number or chunk format. */
  union(nid: number): number {
    this.#check(nid);
    return this.u32[(nid << 3) + 4];
  }

  /** `i_ino`: the number that {@link ErofsImage} counts inodes by. */
  ino(nid: number): number {
    this.#check(nid);
    return this.u32[(nid << 3) + 5];
  }

  /** Owner. */
  uid(nid: number): number {
    return this.isExtended(nid) ? this.u32[(nid << 3) + 6] : this.u16[(nid << 4) + 12];
  }

  /** Group. */
  gid(nid: number): number {
    return this.isExtended(nid) ? this.u32[(nid << 3) + 7] : this.u16[(nid << 4) + 13];
  }

  /** Modification time, seconds. */
  mtimeOf(nid: number): number {
    if (!this.isExtended(nid)) return this.mtime;
    const low = (nid << 3) + 8;
    return (this.u32[low + 1] | 0) * TWO_32 + this.u32[low];
  }

  /** Modification time, nanoseconds. */
  nsecOf(nid: number): number {
    return this.isExtended(nid) ? this.u32[(nid << 3) + 10] : this.nsec;
  }

  /** Link count. */
  nlink(nid: number): number {
    return this.isExtended(nid) ? this.u32[(nid << 3) + 11] : this.u16[(nid << 4) + 3];
  }

  /** Where its xattrs start. */
  xattrs(nid: number): number {
    return nid * SLOT + (this.isExtended(nid) ? EXTENDED : COMPACT);
  }

  /** Bytes of its xattrs: 0 or at least those of their header. */
  xattrsLength(nid: number): number {
    this.#check(nid);
    const count = this.u16[(nid << 4) + 1];
    if (count === 0) return 0;
    const length = XATTR_HEADER + 4 * (count - 1);
    if (this.xattrs(nid) + length > this.bytes.length) {
      throw malformed(`the xattrs of inode ${nid} reach over its end`);
    }
    return length;
  }

  /** Whether an entry of the root is one that only composefs itself needs. */
  isStub(nid: number, name: ByteString): boolean {
    return STUB.test(name) && (this.mode(nid) & S_IFMT) === S_IFCHR && this.union(nid) === 0;
  }

  /** Finds the data of a directory, a symbolic link or a file that is kept inline. */
  locate(nid: number, place: DataPlace): void {
    const layout = this.layout(nid);
    const size = this.size(nid);
    if (layout === LAYOUT_CHUNKS) throw malformed(`the data of inode ${nid} is not in it`);
    place.tailLength = layout === LAYOUT_INLINE ? size % BLOCK : 0;
    place.tail = this.xattrs(nid) + this.xattrsLength(nid);
    place.blocksLength = size - place.tailLength;
    place.blocks = place.blocksLength > 0 ? this.union(nid) * BLOCK : 0;
    const fits = place.blocks + place.blocksLength <= this.bytes.length &&
      place.tail % BLOCK + place.tailLength <= BLOCK &&
      place.tail + place.tailLength <= this.bytes.length;
    if (!fits || layout === LAYOUT_INLINE && place.tailLength === 0) {
      throw malformed(`the data of inode ${nid} is not where it can be`);
    }
  }
}
