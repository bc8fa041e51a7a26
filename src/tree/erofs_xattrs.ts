/**
 * The xattrs of an image while it is written: the list of each inode, and what is shared between them.
 *
 * @module
 */

import { MAX_SHARED, XATTR_HEADER } from "./erofs_format.ts";
import type { DigestTable } from "./digest_table.ts";
import { XattrPairs } from "./erofs_pairs.ts";
import type { ForwardWriter } from "./forward_writer.ts";

/** All xattrs of an image. Inodes are added in order, each with {@link add} for every attribute and {@link endInode}. */
export class XattrTable {
  /** What can be added. */
  readonly pairs: XattrPairs;
  /** Bytes of the shared table. */
  sharedSize = 0;

  /** By inode: where its pairs start in {@link #list}; one more at the end. */
  readonly #first: Int32Array;
  #list = new Int32Array(1024);
  #length = 0;
  #inode = 0;
  /** By pair: its place in the shared table, or -1. */
  #offsets = new Int32Array(0);
  /** The pairs of the shared table in its order. */
  #shared: number[] = [];

  /**
   * Begins with the first inode.
   *
   * @param inodes How many there will be.
   * @param digests Those of contents.
   */
  constructor(inodes: number, digests: DigestTable) {
    this.#first = new Int32Array(inodes + 1);
    this.pairs = new XattrPairs(digests);
  }

  /** Gives the current inode a pair. */
  add(pair: number): void {
    if (this.#length === this.#list.length) {
      const larger = new Int32Array(this.#length * 2);
      larger.set(this.#list);
      this.#list = larger;
    }
    this.#list[this.#length++] = pair;
  }

  /** The current inode is complete: sorts its attributes by name; the next inode is now the current one. */
  endInode(): void {
    const first = this.#first[this.#inode];
    const end = this.#length;
    const list = this.#list;
    const { pairs } = this;
    if (end - first > 16) {
      const byName = (a: number, b: number) => pairs.nameOf(a).name < pairs.nameOf(b).name ? -1 : 1;
      list.subarray(first, end).sort(byName);
    } else {
      for (let i = first + 1; i < end; i++) {
        const pair = list[i];
        const { name } = pairs.nameOf(pair);
        let j = i;
        for (; j > first && pairs.nameOf(list[j - 1]).name > name; j--) list[j] = list[j - 1];
        list[j] = pair;
      }
    }
    this.#first[++this.#inode] = end;
  }

  /** All inodes are complete: decides what is shared, and where. */
  share(): void {
    const { pairs } = this;
    const shared = pairs.shared().reverse();
    this.#offsets = new Int32Array(pairs.length).fill(-1);
    this.#shared = shared;
    this.sharedSize = 0;
    for (const pair of shared) {
      this.#offsets[pair] = this.sharedSize;
      this.sharedSize += pairs.size(pair);
    }
  }

  /** Bytes that an inode's xattrs take behind it. */
  size(inode: number): number {
    const end = this.#first[inode + 1];
    let i = this.#first[inode];
    if (i === end) return 0;
    let size = XATTR_HEADER;
    let references = 0;
    for (; i < end; i++) {
      const pair = this.#list[i];
      if (this.#offsets[pair] >= 0 && references < MAX_SHARED) {
        references++;
        size += 4;
      } else {
        size += this.pairs.size(pair);
      }
    }
    return size;
  }

  /**
   * Writes an inode's xattrs: first the references to shared ones, as many as there can be, then the others.
   *
   * @param out The image, all zeros there.
   * @param at Where they go.
   * @param table Where the shared table starts within its block.
   */
  write(inode: number, out: Uint8Array, at: number, table: number): void {
    const first = this.#first[inode];
    const end = this.#first[inode + 1];
    if (first === end) return;
    let filter = 0;
    let references = 0;
    let p = at + XATTR_HEADER;
    for (let i = first; i < end; i++) {
      const pair = this.#list[i];
      filter |= 1 << this.pairs.nameOf(pair).bit;
      const offset = this.#offsets[pair];
      if (offset < 0 || references === MAX_SHARED) continue;
      references++;
      putU32(out, p, (table + offset) / 4);
      p += 4;
    }
    putU32(out, at, ~filter);
    out[at + 4] = references;
    let referred = 0;
    for (let i = first; i < end; i++) {
      const pair = this.#list[i];
      if (this.#offsets[pair] >= 0 && referred < MAX_SHARED) {
        referred++;
      } else {
        this.pairs.write(pair, out, p);
        p += this.pairs.size(pair);
      }
    }
  }

  /** Writes the shared table to a place of the image. */
  writeShared(out: ForwardWriter, place: number): void {
    for (const pair of this.#shared) {
      const size = this.pairs.size(pair);
      this.pairs.write(pair, out.bytes, out.reach(place, size));
      place += size;
    }
  }
}

function putU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}
