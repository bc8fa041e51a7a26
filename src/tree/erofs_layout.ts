/**
 * Where everything goes in an image: sizes, then places, which must all be known before the first byte is written.
 *
 * @module
 */

import {
  BLOCK,
  chunkBits,
  COMPACT,
  EXTENDED,
  MAX_TAIL,
  SLOT,
  SUPERBLOCK,
  SUPERBLOCK_SIZE,
} from "./erofs_format.ts";
import { DIRECTORY, EXTERNAL, INLINE, SYMLINK } from "./erofs_inodes.ts";
import type { Numbering } from "./erofs_numbering.ts";
import type { XattrTable } from "./erofs_xattrs.ts";

/** The places of all inodes, by number. */
export class Layout {
  /** Where each inode is, in slots. */
  readonly nids: Uint32Array;
  /** Whether it is an extended one. */
  readonly extended: Uint8Array;
  /** Bytes of its xattrs. */
  readonly xattrSizes: Uint32Array;
  /** Bytes of data behind it. */
  readonly tails: Uint16Array;
  /** Blocks of data in the data area. */
  readonly blocks: Uint32Array;
  /** Where the inodes end and the shared xattrs start. */
  readonly inodesEnd: number;
  /** Where the data area starts. */
  readonly dataStart: number;
  /** Bytes of the image. */
  readonly size: number;

  /** Finds the place of everything. */
  constructor(numbering: Numbering, xattrs: XattrTable) {
    const { count, places, inodes } = numbering;
    this.nids = new Uint32Array(count);
    this.extended = new Uint8Array(count);
    this.xattrSizes = new Uint32Array(count);
    this.tails = new Uint16Array(count);
    this.blocks = new Uint32Array(count);
    let at = SUPERBLOCK + SUPERBLOCK_SIZE;
    let blocks = 0;
    for (let n = 0; n < count; n++) {
      this.#measure(n, numbering);
      this.xattrSizes[n] = xattrs.size(n);
      at = this.#place(n, alignUp(at, SLOT), inodes.kinds[places[n]]);
      blocks += this.blocks[n];
    }
    this.inodesEnd = alignUp(at, SLOT);
    this.dataStart = alignUp(this.inodesEnd + xattrs.sharedSize, BLOCK);
    this.size = this.dataStart + blocks * BLOCK;
  }

  /** Sets an inode's form, and its tail and blocks as they would be anywhere. */
  #measure(n: number, { inodes, places }: Numbering): void {
    const at = places[n];
    const kind = inodes.kinds[at];
    const size = inodes.sizes[at];
    const compact = inodes.mtimes[at] === inodes.mtime && inodes.nsecs[at] === inodes.nsec &&
      inodes.nlinks[at] <= 0xffff && inodes.uids[at] <= 0xffff && inodes.gids[at] <= 0xffff &&
      size <= 0xffffffff;
    this.extended[n] = compact ? 0 : 1;
    if (kind === EXTERNAL) {
      this.tails[n] = 4 * Math.ceil(size / 2 ** chunkBits(size));
    } else if (kind === SYMLINK) {
      this.tails[n] = size;
    } else if (kind === INLINE || kind === DIRECTORY) {
      const tail = size % BLOCK;
      this.blocks[n] = Math.floor(size / BLOCK) + (tail > MAX_TAIL ? 1 : 0);
      this.tails[n] = tail > MAX_TAIL ? 0 : tail;
    }
  }

  /**
   * Places an inode at `at` or behind it, so that its tail does not cross a block's end.
   *
   * @returns Where it ends.
   */
  #place(n: number, at: number, kind: number): number {
    const head = (this.extended[n] ? EXTENDED : COMPACT) + this.xattrSizes[n];
    const tail = this.tails[n];
    if (kind === SYMLINK) {
      const total = head + tail;
      if (total >= BLOCK) this.#moveTail(n);
      if (Math.floor(at / BLOCK) !== Math.floor((at + total - 1) / BLOCK)) at = alignUp(at, BLOCK);
    } else {
      const left = BLOCK - (at + head) % BLOCK;
      if (left < tail) {
        const padding = alignUp(left, SLOT);
        if (tail <= BLOCK - (at + head + padding) % BLOCK) {
          at += padding;
        } else {
          this.#moveTail(n);
          at = alignUp(at, BLOCK);
        }
      }
    }
    this.nids[n] = at / SLOT;
    return at + head + this.tails[n];
  }

  /** Moves an inode's tail to the data area. */
  #moveTail(n: number): void {
    this.tails[n] = 0;
    this.blocks[n]++;
  }
}

/** Rounds up to a multiple. */
function alignUp(value: number, to: number): number {
  const over = value % to;
  return over === 0 ? value : value + to - over;
}
