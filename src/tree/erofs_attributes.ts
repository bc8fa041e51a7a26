/**
 * The xattrs of every inode of an image: the tree's own, escaped where composefs would take them for its own, and those
 * that composefs adds.
 *
 * @module
 */

import {
  ESCAPED_OVERLAY,
  OPAQUE,
  OPAQUE_MARKS,
  OVERLAY,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from "./erofs_format.ts";
import type { XattrName } from "./erofs_pairs.ts";
import { EXTERNAL, isPlain, WHITEOUT } from "./erofs_inodes.ts";
import type { Numbering } from "./erofs_numbering.ts";
import { XattrTable } from "./erofs_xattrs.ts";
import type { ByteString } from "./inode.ts";

const NONE = new Uint8Array(0);
const LETTER_X = Uint8Array.of(0x78);
const LETTER_Y = Uint8Array.of(0x79);
/** The largest xattrs of an inode: so many bytes with a fixed cost for it and for each. */
const MAX_XATTRS = 32767;
const COST = 12;
const COST_EACH = 7;

/** Collects the xattrs of all inodes. */
class Collector {
  readonly table: XattrTable;
  readonly #numbering: Numbering;
  readonly #version: number;
  /** Names in the tree to names in the image. */
  readonly #escaped = new Map<ByteString, XattrName>();

  constructor(numbering: Numbering, version: number) {
    this.#numbering = numbering;
    this.#version = version;
    this.table = new XattrTable(numbering.count, numbering.inodes.digests);
  }

  collect(): void {
    const { count, places, whiteoutParents } = this.#numbering;
    const { kinds } = this.#numbering.inodes;
    const hasWhiteouts = whiteoutParents.size > 0;
    for (let n = 0; n < count; n++) {
      const kind = kinds[places[n]];
      if (kind === WHITEOUT) this.#marked(n, WHITEOUT_MARKS, []);
      else if (hasWhiteouts && whiteoutParents.has(n)) {
        this.#marked(n, WHITEOUTS_MARKS, this.#version >= 1 ? OPAQUE_MARKS : []);
      } else this.#own(n, null);
      if (kind === EXTERNAL) this.#object(places[n]);
      if (n === 0 && !this.#numbering.raw) this.#mark([OPAQUE], LETTER_Y);
      this.table.endInode();
    }
  }

  /** Adds marks without value and marks with the value `x`, and what the inode has besides. */
  #marked(n: number, empty: readonly ByteString[], x: readonly ByteString[]): void {
    this.#mark(empty, NONE);
    this.#mark(x, LETTER_X);
    this.#own(n, [...empty, ...x]);
  }

  #mark(names: readonly ByteString[], value: Uint8Array): void {
    const { pairs } = this.table;
    for (const name of names) this.table.add(pairs.ofBytes(pairs.name(name), value));
  }

  #object(place: number): void {
    const { objects, elsewhere, texts } = this.#numbering.inodes;
    const { pairs } = this.table;
    const digest = objects[place];
    this.table.add(digest < 0 ? pairs.ofNoDigest() : pairs.ofDigest(digest));
    const named = elsewhere.get(place) ?? digest;
    if (named >= 0) this.table.add(pairs.ofObject(named));
    else if (texts.size(place) > 0) this.table.add(pairs.ofPath(texts.text(place)));
  }

  /** Adds the tree's own xattrs, without those that composefs replaces. */
  #own(n: number, replaced: readonly ByteString[] | null): void {
    const { xattrs } = this.#numbering.inodes;
    if (xattrs.size === 0) return;
    let cost = COST;
    for (const [key, value] of xattrs.get(this.#numbering.places[n]) ?? []) {
      if (key.length === 0 || key.length > 255 || value.length > 0xffff) {
        const reason = "an xattr's name is not 1 to 255 bytes or its value longer than 65535 bytes";
        throw this.#numbering.error(n, reason);
      }
      cost += COST_EACH + key.length + value.length;
      if (cost > MAX_XATTRS) {
        throw this.#numbering.error(n, `its xattrs are larger than ${MAX_XATTRS} bytes`);
      }
      const name = this.#escape(key, n);
      if (replaced !== null && replaced.includes(name.name)) continue;
      this.table.add(this.table.pairs.ofBytes(name, value));
    }
  }

  #escape(key: ByteString, n: number): XattrName {
    const known = this.#escaped.get(key);
    if (known !== undefined) return known;
    if (!isPlain(key)) {
      throw this.#numbering.error(n, "an xattr's name is not of bytes other than NUL");
    }
    const name = this.table.pairs.name(
      key.startsWith(OVERLAY) ? ESCAPED_OVERLAY + key.slice(OVERLAY.length) : key,
    );
    this.#escaped.set(key, name);
    return name;
  }
}

/**
 * Collects the xattrs of all inodes.
 *
 * @param version The version of the image's format.
 * @throws LaminaError (invalid) where they are too large for an image.
 */
export function collectXattrs(
  numbering: Numbering,
  version: number,
): XattrTable {
  const collector = new Collector(numbering, version);
  collector.collect();
  collector.table.share();
  return collector.table;
}
