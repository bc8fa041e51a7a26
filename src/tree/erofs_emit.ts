/**
 * The bytes of an image, once it is known where everything goes.
 *
 * @module
 */

import {
  BLOCK,
  chunkBits,
  COMPACT,
  COMPOSEFS_MAGIC,
  EROFS_MAGIC,
  EXTENDED,
  FEATURE_COMPAT,
  FLAG_HAS_ACL,
  HEADER_VERSION,
  LAYOUT_CHUNKS,
  LAYOUT_INLINE,
  LAYOUT_PLAIN,
  SLOT,
  SUPERBLOCK,
  XATTR_HEADER,
} from "./erofs_format.ts";
import { DirectoryWriter } from "./erofs_directory.ts";
import type { Layout } from "./erofs_layout.ts";
import type { Numbering } from "./erofs_numbering.ts";
import { DIRECTORY, EXTERNAL, INLINE, type Rewritten, SYMLINK } from "./erofs_rewrite.ts";
import type { XattrTable } from "./erofs_xattrs.ts";
import { type ByteString, S_IFBLK, S_IFCHR, S_IFMT } from "./inode.ts";

const TWO_32 = 2 ** 32;

/** Writes one image. */
export class Emitter {
  readonly #numbering: Numbering;
  readonly #rewritten: Rewritten;
  readonly #xattrs: XattrTable;
  readonly #layout: Layout;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #u16: Uint16Array;
  readonly #u32: Uint32Array;
  /** Where the next inode's data blocks go. */
  #data: number;
  readonly #directories: DirectoryWriter;

  /** Takes all that was found out about the tree and its image. */
  constructor(numbering: Numbering, rewritten: Rewritten, xattrs: XattrTable, layout: Layout) {
    this.#numbering = numbering;
    this.#rewritten = rewritten;
    this.#xattrs = xattrs;
    this.#layout = layout;
    this.#bytes = new Uint8Array(layout.size);
    this.#u16 = new Uint16Array(this.#bytes.buffer);
    this.#u32 = new Uint32Array(this.#bytes.buffer);
    this.#data = layout.dataStart;
    this.#directories = new DirectoryWriter(
      numbering,
      rewritten.modes,
      layout.nids,
      this.#bytes,
    );
  }

  /** The whole image. */
  emit(version: number, hasAcl: boolean): Uint8Array<ArrayBuffer> {
    if (!this.#numbering.raw) this.#header(version, hasAcl);
    this.#superblock();
    const table = this.#layout.inodesEnd % BLOCK;
    for (let n = 0; n < this.#numbering.inodes.length; n++) {
      const at = this.#layout.nids[n] * SLOT;
      const body = at + (this.#layout.extended[n] ? EXTENDED : COMPACT);
      this.#inode(n, at);
      this.#xattrs.write(n, this.#bytes, body, table);
      this.#content(n, body + this.#layout.xattrSizes[n]);
      this.#data += this.#layout.blocks[n] * BLOCK;
    }
    this.#xattrs.writeShared(this.#bytes, this.#layout.inodesEnd);
    return this.#bytes;
  }

  #header(version: number, hasAcl: boolean): void {
    const u32 = this.#u32;
    u32[0] = COMPOSEFS_MAGIC;
    u32[1] = HEADER_VERSION;
    u32[2] = hasAcl ? FLAG_HAS_ACL : 0;
    u32[3] = version;
  }

  #superblock(): void {
    const u32 = this.#u32;
    const sb = SUPERBLOCK / 4;
    const { mtime, nsec } = this.#rewritten;
    u32[sb] = EROFS_MAGIC;
    u32[sb + 2] = FEATURE_COMPAT;
    u32[sb + 3] = Math.log2(BLOCK) | this.#layout.nids[0] << 16;
    u32[sb + 4] = this.#numbering.inodes.length;
    u32[sb + 6] = mtime;
    u32[sb + 7] = Math.floor(mtime / TWO_32);
    u32[sb + 8] = nsec;
    u32[sb + 9] = this.#layout.size / BLOCK;
    u32[sb + 11] = Math.floor(this.#layout.inodesEnd / BLOCK);
  }

  #inode(n: number, at: number): void {
    const inode = this.#numbering.inodes[n];
    const kind = this.#rewritten.kinds[n];
    const mode = this.#rewritten.modes[n];
    const { blocks, tails, xattrSizes } = this.#layout;
    const layout = kind === EXTERNAL ? LAYOUT_CHUNKS : tails[n] > 0 ? LAYOUT_INLINE : LAYOUT_PLAIN;
    const extended = this.#layout.extended[n];
    const size = kind === DIRECTORY
      ? this.#layout.directorySizes[n]
      : kind === EXTERNAL || kind === INLINE || kind === SYMLINK
      ? this.#rewritten.sizes[n]
      : 0;
    let union = blocks[n] > 0 ? this.#data / BLOCK : 0;
    const type = mode & S_IFMT;
    if (type === S_IFCHR || type === S_IFBLK) union = inode.rdev;
    if (kind === EXTERNAL) union = (union & 0xffff0000) | (chunkBits(size) - Math.log2(BLOCK));
    const h = at / 2;
    const w = at / 4;
    const u16 = this.#u16;
    const u32 = this.#u32;
    u16[h] = extended | layout << 1;
    u16[h + 1] = xattrSizes[n] === 0 ? 0 : (xattrSizes[n] - XATTR_HEADER) / 4 + 1;
    u16[h + 2] = mode;
    u32[w + 2] = size;
    u32[w + 4] = union;
    u32[w + 5] = n;
    if (extended) {
      u32[w + 3] = Math.floor(size / TWO_32);
      u32[w + 6] = inode.uid;
      u32[w + 7] = inode.gid;
      u32[w + 8] = inode.mtime;
      u32[w + 9] = Math.floor(inode.mtime / TWO_32);
      u32[w + 10] = inode.nsec;
      u32[w + 11] = this.#rewritten.nlinks[n];
    } else {
      u16[h + 3] = this.#rewritten.nlinks[n];
      u16[h + 12] = inode.uid;
      u16[h + 13] = inode.gid;
    }
  }

  /** Writes an inode's data: the tail to `tail`, the blocks to the data area. */
  #content(n: number, tail: number): void {
    const inode = this.#numbering.inodes[n];
    const blocks = this.#layout.blocks[n] * BLOCK;
    switch (this.#rewritten.kinds[n]) {
      case DIRECTORY:
        this.#directories.write(this.#data, this.#data + blocks, tail);
        break;
      case EXTERNAL: {
        // A chunk without a place is a hole.
        const at = blocks > 0 ? this.#data : tail;
        this.#bytes.fill(0xff, at, at + (blocks > 0 ? BLOCK : this.#layout.tails[n]));
        break;
      }
      case INLINE: {
        const content = inode.content!;
        const inBlocks = Math.min(blocks, content.length);
        this.#bytes.set(content.subarray(0, inBlocks), this.#data);
        this.#bytes.set(content.subarray(inBlocks), tail);
        break;
      }
      case SYMLINK:
        this.#text(inode.target, blocks > 0 ? this.#data : tail);
    }
  }

  /** Writes a byte string. */
  #text(text: ByteString, at: number): void {
    for (let i = 0; i < text.length; i++) this.#bytes[at + i] = text.charCodeAt(i);
  }
}
