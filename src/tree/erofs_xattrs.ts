/**
 * The xattrs of an image while it is written: every distinct (name, value) pair once, which of them are shared, and the
 * list of each inode.
 *
 * @module
 */

import { MAX_SHARED, XATTR_FILTER_SEED, XATTR_HEADER, XATTR_PREFIXES } from "./erofs_format.ts";
import type { ByteString } from "./inode.ts";
import { xxHash32 } from "./xxhash32.ts";

/** A name as EROFS stores it. */
export interface XattrName {
  /** The whole name. */
  readonly name: ByteString;
  /** Which prefix it has, 0 for none. */
  readonly index: number;
  /** What follows the prefix. */
  readonly suffix: Uint8Array;
  /** Its bit in the name filter. */
  readonly bit: number;
  /** Its number in its table. */
  readonly id: number;
}

/** All xattrs of an image. Inodes are added in order, each with {@link add} for every attribute and {@link endInode}. */
export class XattrTable {
  /** Bytes of the shared table. */
  sharedSize = 0;

  readonly #known = new Map<ByteString, XattrName>();
  /** By pair: name, where its value is in {@link #values}, how many inodes have it, its place in the shared table or -1. */
  readonly #names: XattrName[] = [];
  readonly #starts: number[] = [];
  readonly #lengths: number[] = [];
  readonly #uses: number[] = [];
  #offsets = new Int32Array(0);
  /** The pairs of the shared table in its order. */
  #shared: number[] = [];

  /** By inode: where its pairs start in {@link #pairs}; one more at the end. */
  readonly #firstPair: Int32Array;
  #pairs = new Int32Array(1024);
  #pairCount = 0;
  #inode = 0;

  #values = new Uint8Array(1 << 16);
  #used = 0;
  /** Open hash table of pairs (number + 1). The seed is random so that nobody can choose colliding values. */
  #slots = new Int32Array(1 << 11);
  readonly #hashes: number[] = [];
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /**
   * Begins with the first inode.
   *
   * @param inodes How many there will be.
   */
  constructor(inodes: number) {
    this.#firstPair = new Int32Array(inodes + 1);
  }

  /** A name, split into prefix and suffix. */
  name(name: ByteString): XattrName {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const found = XATTR_PREFIXES.find(({ prefix }) => name.startsWith(prefix));
    const index = found?.index ?? 0;
    const suffix = Uint8Array.from(name.slice(found?.prefix.length ?? 0), (c) => c.charCodeAt(0));
    const bit = xxHash32(suffix, XATTR_FILTER_SEED + index | 0) & 31;
    const made = { name, index, suffix, bit, id: this.#known.size };
    this.#known.set(name, made);
    return made;
  }

  /** Whether {@link name} has been asked for this name. */
  has(name: ByteString): boolean {
    return this.#known.has(name);
  }

  /** Gives the current inode an attribute with a value of bytes. */
  add(name: XattrName, value: Uint8Array): void {
    this.#reserve(value.length);
    this.#values.set(value, this.#used);
    this.#intern(name, value.length);
  }

  /** Gives the current inode an attribute whose value is a fixed head and bytes. */
  addWithHead(name: XattrName, head: Uint8Array, value: Uint8Array): void {
    this.#reserve(head.length + value.length);
    this.#values.set(head, this.#used);
    this.#values.set(value, this.#used + head.length);
    this.#intern(name, head.length + value.length);
  }

  /** Gives the current inode an attribute whose value is `/` and a path. */
  addPath(name: XattrName, path: ByteString): void {
    const length = path.length;
    this.#reserve(length + 1);
    const values = this.#values;
    let at = this.#used;
    values[at++] = 0x2f;
    for (let i = 0; i < length; i++) values[at++] = path.charCodeAt(i);
    this.#intern(name, length + 1);
  }

  /** The current inode is complete: sorts its attributes by name; the next inode is now the current one. */
  endInode(): void {
    const first = this.#firstPair[this.#inode];
    const pairs = this.#pairs;
    const names = this.#names;
    if (this.#pairCount - first > 16) {
      const byName = (a: number, b: number) => names[a].name < names[b].name ? -1 : 1;
      pairs.subarray(first, this.#pairCount).sort(byName);
    } else {
      for (let i = first + 1; i < this.#pairCount; i++) {
        const pair = pairs[i];
        const name = names[pair].name;
        let j = i;
        for (; j > first && names[pairs[j - 1]].name > name; j--) pairs[j] = pairs[j - 1];
        pairs[j] = pair;
      }
    }
    this.#firstPair[++this.#inode] = this.#pairCount;
  }

  /** All inodes are complete: decides what is shared, and where. */
  share(): void {
    const uses = this.#uses;
    const shared: number[] = [];
    for (let pair = 0; pair < uses.length; pair++) if (uses[pair] > 1) shared.push(pair);
    shared.sort((a, b) => this.#compare(b, a));
    const offsets = this.#offsets = new Int32Array(uses.length).fill(-1);
    let size = 0;
    for (const pair of shared) {
      offsets[pair] = size;
      size += this.#entrySize(pair);
    }
    this.#shared = shared;
    this.sharedSize = size;
  }

  /** Bytes that an inode's xattrs take behind it. */
  size(inode: number): number {
    const end = this.#firstPair[inode + 1];
    let i = this.#firstPair[inode];
    if (i === end) return 0;
    let size = XATTR_HEADER;
    let references = 0;
    for (; i < end; i++) {
      const pair = this.#pairs[i];
      if (this.#offsets[pair] >= 0 && references < MAX_SHARED) {
        references++;
        size += 4;
      } else {
        size += this.#entrySize(pair);
      }
    }
    return size;
  }

  /**
   * Writes an inode's xattrs.
   *
   * @param out The image, all zeros there.
   * @param at Where they go.
   * @param table Where the shared table starts within its block.
   */
  write(inode: number, out: Uint8Array, at: number, table: number): void {
    const first = this.#firstPair[inode];
    const end = this.#firstPair[inode + 1];
    if (first === end) return;
    let filter = 0;
    let references = 0;
    let p = at + XATTR_HEADER;
    for (let i = first; i < end; i++) {
      const pair = this.#pairs[i];
      filter |= 1 << this.#names[pair].bit;
      const offset = this.#offsets[pair];
      if (offset < 0 || references === MAX_SHARED) continue;
      references++;
      putU32(out, p, (table + offset) / 4);
      p += 4;
    }
    putU32(out, at, ~filter);
    out[at + 4] = references;
    let skipped = 0;
    for (let i = first; i < end; i++) {
      const pair = this.#pairs[i];
      if (this.#offsets[pair] >= 0 && skipped < MAX_SHARED) skipped++;
      else p = this.#writeEntry(pair, out, p);
    }
  }

  /** Writes the shared table. */
  writeShared(out: Uint8Array, at: number): void {
    for (const pair of this.#shared) at = this.#writeEntry(pair, out, at);
  }

  #entrySize(pair: number): number {
    return 4 + this.#names[pair].suffix.length + this.#lengths[pair] + 3 & ~3;
  }

  #writeEntry(pair: number, out: Uint8Array, at: number): number {
    const { index, suffix } = this.#names[pair];
    const length = this.#lengths[pair];
    out[at] = suffix.length;
    out[at + 1] = index;
    out[at + 2] = length;
    out[at + 3] = length >> 8;
    let p = at + 4;
    for (let i = 0; i < suffix.length; i++) out[p++] = suffix[i];
    const values = this.#values;
    const start = this.#starts[pair];
    for (let i = start; i < start + length; i++) out[p++] = values[i];
    return at + this.#entrySize(pair);
  }

  /** The order of the shared table, backwards: name, then length, then bytes. */
  #compare(a: number, b: number): number {
    const x = this.#names[a].name;
    const y = this.#names[b].name;
    if (x !== y) return x < y ? -1 : 1;
    const length = this.#lengths[a];
    if (length !== this.#lengths[b]) return length - this.#lengths[b];
    const values = this.#values;
    const p = this.#starts[a];
    const q = this.#starts[b];
    for (let i = 0; i < length; i++) {
      if (values[p + i] !== values[q + i]) return values[p + i] - values[q + i];
    }
    return 0;
  }

  /** Makes room for a value behind the last one. */
  #reserve(length: number): void {
    if (this.#used + length <= this.#values.length) return;
    const larger = new Uint8Array(Math.max(this.#values.length * 2, this.#used + length));
    larger.set(this.#values);
    this.#values = larger;
  }

  /** Finds or makes the pair whose value has just been put behind the last one, and gives it to the current inode. */
  #intern(name: XattrName, length: number): void {
    const values = this.#values;
    const start = this.#used;
    const hash =
      xxHash32(values, this.#seed + Math.imul(name.id, 0x9e3779b1), start, start + length) | 0;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    let pair: number;
    for (;; slot = slot + 1 & mask) {
      pair = this.#slots[slot] - 1;
      if (pair < 0) break;
      if (
        this.#hashes[pair] === hash && this.#lengths[pair] === length &&
        this.#names[pair] === name && this.#equal(this.#starts[pair], start, length)
      ) break;
    }
    if (pair >= 0) {
      this.#uses[pair]++;
    } else {
      pair = this.#names.length;
      this.#names.push(name);
      this.#starts.push(start);
      this.#lengths.push(length);
      this.#uses.push(1);
      this.#hashes.push(hash);
      this.#used += length;
      this.#slots[slot] = pair + 1;
      if (pair * 2 > mask) this.#rehash();
    }
    if (this.#pairCount === this.#pairs.length) {
      const larger = new Int32Array(this.#pairs.length * 2);
      larger.set(this.#pairs);
      this.#pairs = larger;
    }
    this.#pairs[this.#pairCount++] = pair;
  }

  #equal(a: number, b: number, length: number): boolean {
    const values = this.#values;
    for (let i = 0; i < length; i++) if (values[a + i] !== values[b + i]) return false;
    return true;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (let pair = 0; pair < this.#hashes.length; pair++) {
      let slot = this.#hashes[pair] & mask;
      while (slots[slot] !== 0) slot = slot + 1 & mask;
      slots[slot] = pair + 1;
    }
    this.#slots = slots;
  }
}

function putU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value;
  out[at + 1] = value >>> 8;
  out[at + 2] = value >>> 16;
  out[at + 3] = value >>> 24;
}
