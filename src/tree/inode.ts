/**
 * A filesystem tree as data: the one form that layers are merged in, EROFS images and dumps are read into and
 * written from.
 *
 * Names, symlink targets, payload paths and xattr keys are **byte strings**: JavaScript strings in which every
 * character stands for one byte (U+0000 to U+00FF). So no name is ever mangled by a decoding, V8 keeps them in one
 * byte a character, and `<` on them is the bytewise order that composefs needs.
 *
 * @module
 */

import { objectPath } from "./digest.ts";
import { toBytes } from "./latin1.ts";

/** A string of bytes, one character (U+0000 to U+00FF) each. */
export type ByteString = string;

// Bits of `st_mode`: inode(7).
/** The bits of a mode that are the type. */
export const S_IFMT = 0o170000;
/** A regular file. */
export const S_IFREG = 0o100000;
/** A directory. */
export const S_IFDIR = 0o040000;
/** A symbolic link. */
export const S_IFLNK = 0o120000;
/** A block device. */
export const S_IFBLK = 0o060000;
/** A character device. */
export const S_IFCHR = 0o020000;
/** A fifo. */
export const S_IFIFO = 0o010000;
/** A socket. */
export const S_IFSOCK = 0o140000;

/** Where an inode of a merged tree comes from. */
export interface Origin {
  /** Index of the layer, 0 for the lowest. */
  readonly layer: number;
  /**
   * A path of the inode in that layer, without leading `/`; null where every path that the merged tree has for the
   * inode is its path in the layer as well.
   */
  readonly path: ByteString | null;
}

/**
 * One inode. A hard link is the same object under a second name.
 *
 * One class with all fields, not a union: the trees of large images hold 100,000 of these, and objects of one shape
 * are what the engine is fast at. Fields that a type has no use for keep their defaults.
 */
export class Inode {
  /** `st_mode`: type and permission bits. */
  mode: number;
  /** Owner. */
  uid = 0;
  /** Group. */
  gid = 0;
  /** Device number of S_IFCHR and S_IFBLK, in Linux' 32-bit encoding (see {@link makedev}). */
  rdev = 0;
  /**
   * Link count of a non-directory: how many names the tree has for it ({@link countLinks}); of a directory it is
   * computed by whoever needs it, and this value is ignored.
   */
  nlink = 1;
  /** Bytes of content of a regular file; 0 for every other type (EROFS and dumps compute theirs). */
  size = 0;
  /** Modification time, whole seconds since the epoch; may be negative. */
  mtime = 0;
  /** Modification time, nanoseconds, 0 to 999,999,999. */
  nsec = 0;
  /** Extended attributes by full name, or null for none. */
  xattrs: Map<ByteString, Uint8Array> | null = null;
  /** Entries of a directory, else null. Insertion order is of no meaning. */
  children: Map<ByteString, Inode> | null = null;
  /** Target of a symbolic link, else empty. */
  target: ByteString = "";
  /** Content of a regular file that is kept inline, else null. */
  content: Uint8Array | null = null;
  /** {@link digest} as a byte string, which takes a third of what an array would. */
  #digest: ByteString | null = null;
  /** {@link payload}; null where it follows from the digest, so that no tree keeps the same thing twice. */
  #payload: ByteString | null = "";
  /**
   * Which of a hard-linked inode's paths (without leading `/`) stands for it in an image or a dump; the other names are
   * links to that one. Empty, or not one of its paths: the first in depth-first order with names in byte order.
   */
  canonical: ByteString = "";
  /** In a merged tree, where the inode comes from; else null. */
  origin: Origin | null = null;

  /**
   * Makes an inode with nothing but a mode.
   *
   * @param mode Type and permission bits; a directory starts without entries.
   */
  constructor(mode: number) {
    this.mode = mode;
    if ((mode & S_IFMT) === S_IFDIR) this.children = new Map();
  }

  /** fs-verity SHA-256 digest (32 bytes) of a regular file whose content is an object, else null. */
  get digest(): Uint8Array | null {
    return this.#digest === null ? null : toBytes(this.#digest);
  }

  set digest(digest: Uint8Array | null) {
    this.#digest = digest === null ? null : String.fromCharCode(...digest);
  }

  /** Path of the content of a regular file below the object directory, else empty; as in composefs it is nearly always {@link objectPath}. */
  get payload(): ByteString {
    return this.#payload ?? objectPath(this.digest!);
  }

  set payload(path: ByteString) {
    this.#payload = path;
  }

  /** Whether {@link payload} is what the digest says. */
  get isObject(): boolean {
    return this.#payload === null;
  }

  /** Says that the content is the object of this digest. */
  setObject(digest: Uint8Array): void {
    this.digest = digest;
    this.#payload = null;
  }
}

/** Packs a device number the way Linux' stat(2) does (new_encode_dev in the kernel's kdev_t.h). */
export function makedev(major: number, minor: number): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** The major number of a packed device number. */
export function major(rdev: number): number {
  return (rdev >>> 8) & 0xfff;
}

/** The minor number of a packed device number. */
export function minor(rdev: number): number {
  return ((rdev & 0xff) | ((rdev >>> 12) & 0xfff00)) >>> 0;
}

/** Whether an inode is a whiteout as overlayfs has them: a character device with number 0:0. */
export function isWhiteout(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === 0;
}
