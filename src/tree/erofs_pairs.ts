/**
 * The distinct (name, value) pairs of all xattrs of an image while it is written, each once. Nearly all of them are the two that every object
 * has, which follow from its digest: they are kept as the number of that and nothing else.
 *
 * @module
 */

import { objectPath, putObjectPath } from "./digest.ts";
import type { DigestTable } from "./digest_table.ts";
import { METACOPY, REDIRECT, XATTR_FILTER_SEED } from "./erofs_format.ts";
import { splitName } from "./erofs_names.ts";
import type { ByteString } from "./inode.ts";
import { toBytes } from "./latin1.ts";
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

const NONE = new Uint8Array(0);
/** What METACOPY begins with: version 0, 36 bytes long, no flags, SHA-256; the digest follows. */
const METACOPY_HEAD = Uint8Array.of(0, 36, 0, 1);
const METACOPY_SIZE = 36;
const SLASH = 0x2f;
/** Bytes of a REDIRECT to an object: a slash, and its path. */
const REDIRECT_SIZE = 66;
/** So many values at most are sorted by numbers made of four bytes and a place: these have to fit into 53 bits. */
const PLACES = 2 ** 21;

/** All pairs, by number: first those of METACOPY and a digest, then those of REDIRECT and an object's path, then all others. */
export class XattrPairs {
  readonly #known = new Map<ByteString, XattrName>();
  readonly #digests: DigestTable;
  /** How many of these there are. */
  readonly #count: number;
  readonly #metacopy: XattrName;
  readonly #redirect: XattrName;
  /** Uses of the pairs that follow from digests. */
  readonly #objectUses: Uint32Array;
  /** The other pairs. */
  readonly #names: XattrName[] = [];
  readonly #values: Uint8Array[] = [];
  readonly #uses: number[] = [];
  readonly #hashes: number[] = [];
  /** Open hash table of the other pairs (number + 1). The seed is random so that nobody can choose colliding values. */
  #slots = new Int32Array(1 << 7);
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /** @param digests Those of all contents. */
  constructor(digests: DigestTable) {
    this.#digests = digests;
    this.#count = digests.length;
    this.#objectUses = new Uint32Array(2 * this.#count);
    this.#metacopy = this.name(METACOPY);
    this.#redirect = this.name(REDIRECT);
  }

  /** How many there are, and some of the first ones that may have no use. */
  get length(): number {
    return 2 * this.#count + this.#names.length;
  }

  /** A name, split into prefix and suffix. */
  name(name: ByteString): XattrName {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const { index, suffix } = splitName(name);
    const bit = xxHash32(suffix, XATTR_FILTER_SEED + index | 0) & 31;
    const made = { name, index, suffix, bit, id: this.#known.size };
    this.#known.set(name, made);
    return made;
  }

  /** Whether {@link name} has been asked for this name. */
  has(name: ByteString): boolean {
    return this.#known.has(name);
  }

  /** Notes a use of a pair with a value of bytes, and returns its number. */
  ofBytes(name: XattrName, value: Uint8Array): number {
    const hash = xxHash32(value, this.#seed + Math.imul(name.id, 0x9e3779b1)) | 0;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let n = 0; (n = this.#slots[slot] - 1) >= 0; slot = slot + 1 & mask) {
      if (this.#hashes[n] === hash && this.#names[n] === name && equal(this.#values[n], value)) {
        this.#uses[n]++;
        return 2 * this.#count + n;
      }
    }
    const made = this.#names.push(name);
    this.#values.push(value);
    this.#hashes.push(hash);
    this.#uses.push(1);
    this.#slots[slot] = made;
    if (made * 2 > mask) this.#grow();
    return 2 * this.#count + made - 1;
  }

  /** The same for METACOPY and the digest of that number. */
  ofDigest(digest: number): number {
    this.#objectUses[digest]++;
    return digest;
  }

  /** The same for METACOPY of a content whose digest is not known. */
  ofNoDigest(): number {
    return this.ofBytes(this.#metacopy, NONE);
  }

  /** The same for REDIRECT and the path of the object whose digest has that number. */
  ofObject(digest: number): number {
    this.#objectUses[this.#count + digest]++;
    return this.#count + digest;
  }

  /** The same for REDIRECT and a path that is no object's. */
  ofPath(path: ByteString): number {
    return this.ofBytes(this.#redirect, toBytes(`/${path}`));
  }

  /** A pair's name. */
  nameOf(pair: number): XattrName {
    if (pair < this.#count) return this.#metacopy;
    return pair < 2 * this.#count ? this.#redirect : this.#names[pair - 2 * this.#count];
  }

  /** Bytes of a pair in an image. */
  size(pair: number): number {
    return 4 + this.nameOf(pair).suffix.length + this.#valueSize(pair) + 3 & ~3;
  }

  /** Writes a pair into an image, where all is zeros. */
  write(pair: number, out: Uint8Array, at: number): void {
    const { index, suffix } = this.nameOf(pair);
    const length = this.#valueSize(pair);
    out[at] = suffix.length;
    out[at + 1] = index;
    out[at + 2] = length;
    out[at + 3] = length >> 8;
    let p = at + 4;
    for (let i = 0; i < suffix.length; i++) out[p++] = suffix[i];
    if (pair < this.#count) {
      const { bytes } = this.#digests;
      for (let i = 0; i < METACOPY_HEAD.length; i++) out[p++] = METACOPY_HEAD[i];
      for (let i = 32 * pair; i < 32 * pair + 32; i++) out[p++] = bytes[i];
    } else if (pair < 2 * this.#count) {
      out[p] = SLASH;
      putObjectPath(this.#digests.digest(pair - this.#count), out, p + 1);
    } else {
      const value = this.#values[pair - 2 * this.#count];
      for (let i = 0; i < value.length; i++) out[p++] = value[i];
    }
  }

  /** Pairs that more than one inode has, in ascending order: by name, then length of the value, then its bytes. */
  shared(): number[] {
    /** Pairs of one name and length of the value. */
    const groups = new Map<string, number[]>();
    for (let pair = 0; pair < this.length; pair++) {
      if (this.#usesOf(pair) < 2) continue;
      const length = String(this.#valueSize(pair)).padStart(5, "0");
      // NUL is less than every byte of a name.
      const key = `${this.nameOf(pair).name}\0${length}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [pair]);
      else group.push(pair);
    }
    return [...groups.keys()].sort().flatMap((key) => this.#sort(groups.get(key)!));
  }

  #usesOf(pair: number): number {
    const other = pair - 2 * this.#count;
    return other < 0 ? this.#objectUses[pair] : this.#uses[other];
  }

  #valueSize(pair: number): number {
    if (pair < this.#count) return METACOPY_SIZE;
    return pair < 2 * this.#count ? REDIRECT_SIZE : this.#values[pair - 2 * this.#count].length;
  }

  /** What the value of one of several pairs of one name and length is sorted by: paths of objects are in the order of their digests. */
  #sortKey(pair: number, mixed: boolean): Uint8Array {
    if (pair < this.#count) return this.#digests.digest(pair);
    if (pair >= 2 * this.#count) return this.#values[pair - 2 * this.#count];
    const digest = this.#digests.digest(pair - this.#count);
    return mixed ? toBytes(`/${objectPath(digest)}`) : digest;
  }

  #sort(pairs: number[]): number[] {
    if (pairs.length === 1) return pairs;
    // Numbers are in groups: where the last is of another kind, not all are of one.
    const mixed = pairs[pairs.length - 1] >= 2 * this.#count;
    const values = pairs.map((pair) => this.#sortKey(pair, mixed));
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
