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
import type { Numbering } from "./erofs_numbering.ts";
import { EXTERNAL, type Rewritten, WHITEOUT } from "./erofs_rewrite.ts";
import { type XattrName, XattrTable } from "./erofs_xattrs.ts";
import type { ByteString, Inode } from "./inode.ts";

const NONE = new Uint8Array(0);
const LETTER_X = Uint8Array.of(0x78);
const LETTER_Y = Uint8Array.of(0x79);
/** Version 0, 36 bytes long, no flags, SHA-256; the digest follows. */
const METACOPY_HEAD = Uint8Array.of(0, 36, 0, 1);
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
  readonly #redirect: XattrName;
  /** Names in the tree to names in the image. */
  readonly #escaped = new Map<ByteString, XattrName>();

  constructor(numbering: Numbering, rewritten: Rewritten, version: number) {
    this.#numbering = numbering;
    this.#rewritten = rewritten;
    this.#version = version;
    this.table = new XattrTable(numbering.inodes.length);
    this.#metacopy = this.table.name(METACOPY);
    this.#redirect = this.table.name(REDIRECT);
  }

  collect(): void {
    const { inodes } = this.#numbering;
    const { kinds, whiteoutParents } = this.#rewritten;
    for (let n = 0; n < inodes.length; n++) {
      const inode = inodes[n];
      const marks = kinds[n] === WHITEOUT
        ? WHITEOUT_MARKS
        : whiteoutParents.has(n)
        ? WHITEOUTS_MARKS
        : null;
      if (marks === WHITEOUTS_MARKS && this.#version >= 1) {
        this.#mark(WHITEOUTS_MARKS, NONE);
        this.#mark(OPAQUE_MARKS, LETTER_X);
        this.#own(inode, n, [...WHITEOUTS_MARKS, ...OPAQUE_MARKS]);
      } else if (marks !== null) {
        this.#mark(marks, NONE);
        this.#own(inode, n, marks);
      } else {
        this.#own(inode, n, null);
      }
      if (kinds[n] === EXTERNAL) this.#object(inode);
      if (n === 0 && !this.#numbering.raw) this.table.add(this.table.name(OPAQUE), LETTER_Y);
      this.table.endInode();
    }
  }

  #mark(names: readonly ByteString[], value: Uint8Array): void {
    for (const name of names) this.table.add(this.table.name(name), value);
  }

  #object(inode: Inode): void {
    if (inode.digest === null) this.table.add(this.#metacopy, NONE);
    else this.table.addWithHead(this.#metacopy, METACOPY_HEAD, inode.digest);
    if (inode.payload === "") return;
    this.table.addPath(this.#redirect, inode.payload);
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
      const name = this.#escape(key);
      if (replaced === null || !replaced.includes(name.name)) this.table.add(name, value);
    }
  }

  #escape(key: ByteString): XattrName {
    const known = this.#escaped.get(key);
    if (known !== undefined) return known;
    const name = this.table.name(
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
