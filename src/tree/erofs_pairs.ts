/**
 * The distinct (name, value) pairs of all xattrs of an image while it is written. Each is kept once, as a reference to what
 * the tree has; nearly all of them are the two that every object has, so finding these again is made cheap.
 *
 * @module
 */

import { XATTR_FILTER_SEED } from "./erofs_format.ts";
import { splitName } from "./erofs_names.ts";
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
  /** What every value starts with, before the part that is kept. */
  readonly head: Uint8Array;
}

const NO_HEAD = new Uint8Array(0);
/** So many values at most are sorted by numbers made of four bytes and a place: these have to fit into 53 bits. */
const PLACES = 2 ** 21;

/** All pairs, by number. */
export class XattrPairs {
  readonly #known = new Map<ByteString, XattrName>();
  readonly #names: XattrName[] = [];
  readonly #values: (Uint8Array | ByteString)[] = [];
  readonly #uses: number[] = [];
  /** Pairs with a text for a value, by that: one map for each name. */
  readonly #texts: Map<ByteString, number>[] = [];
  /** Open hash table of the other pairs (number + 1). The seed is random so that nobody can choose colliding values. */
  #slots = new Int32Array(1 << 11);
  readonly #hashes: number[] = [];
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /** How many there are. */
  get length(): number {
    return this.#names.length;
  }

  /**
   * A name, split into prefix and suffix. One name can be asked for with several heads: these count as different, so that
   * no value must be possible with two of them.
   */
  name(name: ByteString, head: Uint8Array = NO_HEAD): XattrName {
    const key = head.length === 0 ? name : `${name}=${head}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const { index, suffix } = splitName(name);
    const bit = xxHash32(suffix, XATTR_FILTER_SEED + index | 0) & 31;
    const made = { name, index, suffix, bit, id: this.#known.size, head };
    this.#known.set(key, made);
    return made;
  }

  /** Whether {@link name} has been asked for this name. */
  has(name: ByteString): boolean {
    return this.#known.has(name);
  }

  /** Notes a use of a pair with a value of bytes, and returns its number. */
  ofBytes(name: XattrName, value: Uint8Array): number {
    const seed = this.#seed + Math.imul(name.id, 0x9e3779b1);
    return this.#find(name, value, xxHash32(value, seed) | 0);
  }

  /** The same for a value that is a digest, so that any four bytes of it are as good as a hash. */
  ofDigest(name: XattrName, digest: Uint8Array): number {
    const word = digest[0] | digest[1] << 8 | digest[2] << 16 | digest[3] << 24;
    return this.#find(name, digest, word ^ this.#seed);
  }

  /** The same for a value that is a byte string. */
  ofText(name: XattrName, text: ByteString): number {
    const pairs = this.#texts[name.id] ??= new Map();
    const known = pairs.get(text);
    if (known !== undefined) {
      this.#uses[known]++;
      return known;
    }
    pairs.set(text, this.length);
    return this.#make(name, text, 0);
  }

  /** A pair's name. */
  nameOf(pair: number): XattrName {
    return this.#names[pair];
  }

  /** How many inodes have a pair. */
  uses(pair: number): number {
    return this.#uses[pair];
  }

  /** Bytes of a pair in an image. */
  size(pair: number): number {
    const { suffix, head } = this.#names[pair];
    return 4 + suffix.length + head.length + this.#values[pair].length + 3 & ~3;
  }

  /** Writes a pair into an image, where all is zeros. */
  write(pair: number, out: Uint8Array, at: number): void {
    const { index, suffix, head } = this.#names[pair];
    const value = this.#values[pair];
    const length = head.length + value.length;
    out[at] = suffix.length;
    out[at + 1] = index;
    out[at + 2] = length;
    out[at + 3] = length >> 8;
    let p = at + 4;
    for (let i = 0; i < suffix.length; i++) out[p++] = suffix[i];
    for (let i = 0; i < head.length; i++) out[p++] = head[i];
    if (typeof value === "string") {
      for (let i = 0; i < value.length; i++) out[p++] = value.charCodeAt(i);
    } else {
      for (let i = 0; i < value.length; i++) out[p++] = value[i];
    }
  }

  /** Pairs that more than one inode has, in ascending order: by name, then length of the value, then its bytes. */
  shared(): number[] {
    /** Pairs of one name and length of the value. */
    const groups = new Map<string, number[]>();
    for (let pair = 0; pair < this.length; pair++) {
      if (this.#uses[pair] < 2) continue;
      const { name, head } = this.#names[pair];
      const length = String(head.length + this.#values[pair].length).padStart(5, "0");
      // NUL is less than every byte of a name.
      const key = `${name}\0${length}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [pair]);
      else group.push(pair);
    }
    // What has one name and length has one head, and is either all text or all bytes.
    return [...groups.keys()].sort().flatMap((key) => {
      const group = groups.get(key)!;
      return typeof this.#values[group[0]] === "string"
        ? this.#sortTexts(group)
        : this.#sortBytes(group);
    });
  }

  #sortTexts(pairs: number[]): number[] {
    const byText = this.#texts[this.#names[pairs[0]].id];
    const texts = pairs.map((pair) => this.#values[pair] as ByteString);
    return texts.sort().map((text) => byText.get(text)!);
  }

  #sortBytes(pairs: number[]): number[] {
    if (pairs.length === 1) return pairs;
    const values = pairs.map((pair) => this.#values[pair] as Uint8Array);
    if (values.length > PLACES) {
      return Array.from(pairs.keys()).sort((a, b) => compare(values[a], values[b]))
        .map((i) => pairs[i]);
    }
    const order = Array.from(sortByStart(values));
    // Where the first bytes are equal, the others decide.
    for (let first = 0; first < order.length;) {
      let end = first + 1;
      while (end < order.length && start(values[order[end]]) === start(values[order[first]])) end++;
      if (end > first + 1) {
        const run = order.slice(first, end).sort((a, b) => compare(values[a], values[b]));
        for (let i = 0; i < run.length; i++) order[first + i] = run[i];
      }
      first = end;
    }
    return order.map((i) => pairs[i]);
  }

  #find(name: XattrName, value: Uint8Array, hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let pair = 0; (pair = this.#slots[slot] - 1) >= 0; slot = slot + 1 & mask) {
      if (
        this.#hashes[pair] === hash && this.#names[pair] === name &&
        equal(this.#values[pair] as Uint8Array, value)
      ) {
        this.#uses[pair]++;
        return pair;
      }
    }
    this.#slots[slot] = this.length + 1;
    const made = this.#make(name, value, hash);
    if (made * 2 > mask) this.#grow();
    return made;
  }

  #make(name: XattrName, value: Uint8Array | ByteString, hash: number): number {
    this.#names.push(name);
    this.#values.push(value);
    this.#hashes.push(hash);
    return this.#uses.push(1) - 1;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 4);
    const mask = slots.length - 1;
    for (const slot of this.#slots) {
      if (slot === 0) continue;
      let at = this.#hashes[slot - 1] & mask;
      while (slots[at] !== 0) at = at + 1 & mask;
      slots[at] = slot;
    }
    this.#slots = slots;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The first four bytes of a value, as a number that is in the order of the bytes. */
function start(value: Uint8Array): number {
  return (value[0] << 24 | value[1] << 16 | value[2] << 8 | value[3]) >>> 0;
}

/** The places of values, in the order of their first four bytes: numbers are what can be sorted fastest. */
function sortByStart(values: readonly Uint8Array[]): Float64Array {
  const keys = Float64Array.from(values, (value, i) => start(value) * PLACES + i);
  return keys.sort().map((key) => key % PLACES);
}

/** The order of two values of one length. */
function compare(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}
