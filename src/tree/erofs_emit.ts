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
import { DIRECTORY, EXTERNAL, INLINE, SYMLINK } from "./erofs_inodes.ts";
import type { Numbering } from "./erofs_numbering.ts";
import type { XattrTable } from "./erofs_xattrs.ts";
import { ForwardWriter } from "./forward_writer.ts";
import { S_IFBLK, S_IFCHR, S_IFMT } from "./inode.ts";

const TWO_32 = 2 ** 32;

/** Writes one image, from its beginning to its end. */
export class Emitter {
  readonly #numbering: Numbering;
  readonly #xattrs: XattrTable;
  readonly #layout: Layout;
  readonly #out: ForwardWriter;
  readonly #directories: DirectoryWriter;

  /**
   * Takes all that was found out about the tree and its image.
   *
   * @param write Takes the image's bytes, piece after piece; each is valid until it returns.
   */
  constructor(
    numbering: Numbering,
    xattrs: XattrTable,
    layout: Layout,
    write: (piece: Uint8Array<ArrayBuffer>) => void,
  ) {
    this.#numbering = numbering;
    this.#xattrs = xattrs;
    this.#layout = layout;
    this.#out = new ForwardWriter(write);
    this.#directories = new DirectoryWriter(numbering, layout.nids, this.#out.bytes);
  }

  /** The whole image. */
  emit(version: number, hasAcl: boolean): void {
    if (!this.#numbering.raw) this.#header(version, hasAcl);
    this.#superblock();
    this.#inodes();
    this.#xattrs.writeShared(this.#out, this.#layout.inodesEnd);
    this.#data();
    this.#out.end(this.#layout.size);
  }

  /** Inodes, each with its xattrs and its tail behind it. */
  #inodes(): void {
    const { nids, extended, xattrSizes, tails, blocks, inodesEnd, dataStart } = this.#layout;
    const { count, places, inodes } = this.#numbering;
    const table = inodesEnd % BLOCK;
    let data = dataStart;
    let directory = 0;
    for (let n = 0; n < count; n++) {
      const head = extended[n] ? EXTENDED : COMPACT;
      const at = this.#out.reach(nids[n] * SLOT, head + xattrSizes[n] + tails[n]);
      this.#inode(n, at, data);
      this.#xattrs.write(n, this.#out.bytes, at + head, table);
      if (tails[n] > 0) this.#tail(n, at + head + xattrSizes[n], directory);
      if (inodes.kinds[places[n]] === DIRECTORY) directory++;
      data += blocks[n] * BLOCK;
    }
  }

  /** The data area, in the order of the inodes. */
  #data(): void {
    const { blocks, dataStart } = this.#layout;
    const { count, places, inodes } = this.#numbering;
    let data = dataStart;
    let directory = 0;
    for (let n = 0; n < count; n++) {
      if (blocks[n] > 0) this.#blocks(n, data, directory);
      if (inodes.kinds[places[n]] === DIRECTORY) directory++;
      data += blocks[n] * BLOCK;
    }
  }

  #header(version: number, hasAcl: boolean): void {
    const { u32 } = this.#out;
    u32[0] = COMPOSEFS_MAGIC;
    u32[1] = HEADER_VERSION;
    u32[2] = hasAcl ? FLAG_HAS_ACL : 0;
    u32[3] = version;
  }

  #superblock(): void {
    const { u32 } = this.#out;
    const sb = SUPERBLOCK / 4;
    const { mtime, nsec } = this.#numbering.inodes;
    u32[sb] = EROFS_MAGIC;
    u32[sb + 2] = FEATURE_COMPAT;
    u32[sb + 3] = Math.log2(BLOCK) | this.#layout.nids[0] << 16;
    u32[sb + 4] = this.#numbering.count;
    u32[sb + 6] = mtime;
    u32[sb + 7] = Math.floor(mtime / TWO_32);
    u32[sb + 8] = nsec;
    u32[sb + 9] = this.#layout.size / BLOCK;
    u32[sb + 11] = Math.floor(this.#layout.inodesEnd / BLOCK);
  }

  /** @param data Where its blocks are, if it has any. */
  #inode(n: number, at: number, data: number): void {
    const { inodes } = this.#numbering;
    const place = this.#numbering.places[n];
    const kind = inodes.kinds[place];
    const mode = inodes.modes[place];
    const { blocks, tails, xattrSizes } = this.#layout;
    const layout = kind === EXTERNAL ? LAYOUT_CHUNKS : tails[n] > 0 ? LAYOUT_INLINE : LAYOUT_PLAIN;
    const extended = this.#layout.extended[n];
    const size = kind === DIRECTORY || kind === EXTERNAL || kind === INLINE || kind === SYMLINK
      ? inodes.sizes[place]
      : 0;
    let union = blocks[n] > 0 ? data / BLOCK : 0;
    const type = mode & S_IFMT;
    if (type === S_IFCHR || type === S_IFBLK) union = inodes.rdevs[place];
    if (kind === EXTERNAL) union = (union & 0xffff0000) | (chunkBits(size) - Math.log2(BLOCK));
    const h = at / 2;
    const w = at / 4;
    const { u16, u32 } = this.#out;
    u16[h] = extended | layout << 1;
    u16[h + 1] = xattrSizes[n] === 0 ? 0 : (xattrSizes[n] - XATTR_HEADER) / 4 + 1;
    u16[h + 2] = mode;
    u32[w + 2] = size;
    u32[w + 4] = union;
    u32[w + 5] = n;
    if (extended) {
      const mtime = inodes.mtimes[place];
      u32[w + 3] = Math.floor(size / TWO_32);
      u32[w + 6] = inodes.uids[place];
      u32[w + 7] = inodes.gids[place];
      u32[w + 8] = mtime;
      u32[w + 9] = Math.floor(mtime / TWO_32);
      u32[w + 10] = inodes.nsecs[place];
      u32[w + 11] = inodes.nlinks[place];
    } else {
      u16[h + 3] = inodes.nlinks[place];
      u16[h + 12] = inodes.uids[place];
      u16[h + 13] = inodes.gids[place];
    }
  }

  /** Writes what an inode has behind it. */
  #tail(n: number, at: number, directory: number): void {
    const { bytes } = this.#out;
    const { tails, blocks } = this.#layout;
    switch (this.#kind(n)) {
      case DIRECTORY:
        this.#directories.write(directory, (piece) => piece === blocks[n] ? at : undefined);
        break;
      case EXTERNAL:
        // A chunk without a place is a hole.
        bytes.fill(0xff, at, at + tails[n]);
        break;
      default: {
        const text = this.#text(n);
        bytes.set(text.subarray(text.length - tails[n]), at);
      }
    }
  }

  /** Writes an inode's blocks. */
  #blocks(n: number, data: number, directory: number): void {
    const out = this.#out;
    const blocks = this.#layout.blocks[n];
    switch (this.#kind(n)) {
      case DIRECTORY:
        this.#directories.write(
          directory,
          (piece) => piece < blocks ? out.reach(data + piece * BLOCK, BLOCK) : undefined,
        );
        break;
      case EXTERNAL: {
        const at = out.reach(data, BLOCK);
        out.bytes.fill(0xff, at, at + BLOCK);
        break;
      }
      default: {
        const text = this.#text(n).subarray(0, blocks * BLOCK);
        out.bytes.set(text, out.reach(data, text.length));
      }
    }
  }

  #kind(n: number): number {
    return this.#numbering.inodes.kinds[this.#numbering.places[n]];
  }

  /** The inline content of a file, or the target of a symbolic link. */
  #text(n: number): Uint8Array {
    const { texts } = this.#numbering.inodes;
    const place = this.#numbering.places[n];
    return texts.bytes.subarray(texts.start(place), texts.start(place) + texts.size(place));
  }
}
