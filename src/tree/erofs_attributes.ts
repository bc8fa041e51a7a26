/**
 * The xattrs of every inode of an image: the tree's own, escaped where composefs would take them for its own, and those
 * that composefs adds.
 *
 * @module
 */

import {
  ESCAPED_OVERLAY,
  METACOPY,
  OPAQUE,
  OPAQUE_MARKS,
  OVERLAY,
  REDIRECT,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from "./erofs_format.ts";
import { isPlain, type Numbering } from "./erofs_numbering.ts";
import type { XattrName } from "./erofs_pairs.ts";
import { EXTERNAL, type Rewritten, WHITEOUT } from "./erofs_rewrite.ts";
import { XattrTable } from "./erofs_xattrs.ts";
import type { ByteString, Inode } from "./inode.ts";

const NONE = new Uint8Array(0);
const LETTER_X = Uint8Array.of(0x78);
const LETTER_Y = Uint8Array.of(0x79);
/** Head of METACOPY: version 0, 36 bytes long, no flags, SHA-256; the digest follows. */
const METACOPY_HEAD = Uint8Array.of(0, 36, 0, 1);
/** Head of REDIRECT: the path follows. */
const REDIRECT_HEAD = Uint8Array.of(0x2f);
/** The largest xattrs of an inode: so many bytes with a fixed cost for it and for each. */
const MAX_XATTRS = 32767;
const COST = 12;
const COST_EACH = 7;

/** Collects the xattrs of all inodes. */
class Collector {
  readonly table: XattrTable;
  readonly #numbering: Numbering;
  readonly #rewritten: Rewritten;
  readonly #version: number;
  readonly #metacopy: XattrName;
  readonly #noDigest: XattrName;
  readonly #redirect: XattrName;
  /** Names in the tree to names in the image. */
  readonly #escaped = new Map<ByteString, XattrName>();

  constructor(numbering: Numbering, rewritten: Rewritten, version: number) {
    this.#numbering = numbering;
    this.#rewritten = rewritten;
    this.#version = version;
    this.table = new XattrTable(numbering.inodes.length);
    const { pairs } = this.table;
    this.#metacopy = pairs.name(METACOPY, METACOPY_HEAD);
    this.#noDigest = pairs.name(METACOPY);
    this.#redirect = pairs.name(REDIRECT, REDIRECT_HEAD);
  }

  collect(): void {
    const { inodes } = this.#numbering;
    const { kinds, whiteoutParents } = this.#rewritten;
    const hasWhiteouts = whiteoutParents.size > 0;
    for (let n = 0; n < inodes.length; n++) {
      const inode = inodes[n];
      if (kinds[n] === WHITEOUT) this.#marked(inode, n, WHITEOUT_MARKS, []);
      else if (hasWhiteouts && whiteoutParents.has(n)) {
        this.#marked(inode, n, WHITEOUTS_MARKS, this.#version >= 1 ? OPAQUE_MARKS : []);
      } else this.#own(inode, n, null);
      if (kinds[n] === EXTERNAL) this.#object(inode);
      if (n === 0 && !this.#numbering.raw) this.#mark([OPAQUE], LETTER_Y);
      this.table.endInode();
    }
  }

  /** Adds marks without value and marks with the value `x`, and what the inode has besides. */
  #marked(inode: Inode, n: number, empty: readonly ByteString[], x: readonly ByteString[]): void {
    this.#mark(empty, NONE);
    this.#mark(x, LETTER_X);
    this.#own(inode, n, [...empty, ...x]);
  }

  #mark(names: readonly ByteString[], value: Uint8Array): void {
    const { pairs } = this.table;
    for (const name of names) this.table.add(pairs.ofBytes(pairs.name(name), value));
  }

  #object({ digest, payload }: Inode): void {
    const { table } = this;
    const { pairs } = table;
    if (digest === null) table.add(pairs.ofBytes(this.#noDigest, NONE));
    else table.add(pairs.ofDigest(this.#metacopy, digest));
    if (payload !== "") table.add(pairs.ofText(this.#redirect, payload));
  }

  /** Adds the tree's own xattrs, without those that composefs replaces. */
  #own(inode: Inode, n: number, replaced: readonly ByteString[] | null): void {
    if (inode.xattrs === null) return;
    let cost = COST;
    for (const [key, value] of inode.xattrs) {
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
  rewritten: Rewritten,
  version: number,
): XattrTable {
  const collector = new Collector(numbering, rewritten, version);
  collector.collect();
  collector.table.share();
  return collector.table;
}
