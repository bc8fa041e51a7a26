/**
 * What a tree's inodes become in an image. composefs keeps its own meaning in overlay xattrs, so whiteouts become
 * marked empty files, and only the type and the bits of the mode tell what has data where.
 *
 * @module
 */

import { ByteStrings } from "./byte_strings.ts";
import { digestOfPath } from "./digest.ts";
import { DigestTable } from "./digest_table.ts";
import { fileType, MAX_FILE, MAX_INLINE, MAX_U32 } from "./erofs_format.ts";
import {
  type ByteString,
  type Inode,
  isWhiteout,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "./inode.ts";

// What an inode is to an image.
/** A directory. */
export const DIRECTORY = 0;
/** A file whose content is an object. */
export const EXTERNAL = 1;
/** A file whose content is in the image. */
export const INLINE = 2;
/** A symbolic link. */
export const SYMLINK = 3;
/** An empty file with the marks of a whiteout. */
export const WHITEOUT = 4;
/** Everything else that has no data: an empty file, a device, a fifo, a socket. */
export const OTHER = 5;

/**
 * The inodes of an image, as they are written: a column for each property. An inode takes some 60 bytes so, and the tree's own objects need not
 * stay in memory. They are found by their place in the order in which they were added.
 */
export class Inodes {
  /** How many there are. */
  length = 0;
  /** What each is: one of the constants above. */
  readonly kinds: Uint8Array;
  /** Modes, with the type that is written. */
  readonly modes: Uint16Array;
  /** Link counts; of directories, those that EROFS wants. */
  readonly nlinks: Uint32Array;
  /** Owners. */
  readonly uids: Uint32Array;
  /** Groups. */
  readonly gids: Uint32Array;
  /** Device numbers. */
  readonly rdevs: Uint32Array;
  /** Bytes: as the tree has them, even where they mean nothing; true ones of inline files and symlinks; of directories, `i_size`. */
  readonly sizes: Float64Array;
  /** Modification times, in seconds. */
  readonly mtimes: Float64Array;
  /** Their nanoseconds. */
  readonly nsecs: Uint32Array;
  /** Inline contents, targets of symbolic links, and paths of objects that their digests do not say. */
  readonly texts: ByteStrings;
  /** Digests of contents. */
  readonly digests: DigestTable = new DigestTable();
  /** Of a file with a digest its number in {@link digests}, else -1. */
  readonly objects: Int32Array;
  /** Objects whose path does not follow from their digest: the number of the digest that it follows from, or -1 for a path in {@link texts}. */
  readonly elsewhere = new Map<number, number>();
  /** The tree's own xattrs of those that have any. */
  readonly xattrs = new Map<number, ReadonlyMap<ByteString, Uint8Array>>();
  /** The smallest modification time, which is the image's build time: seconds. */
  mtime = 0;
  /** Its nanoseconds. */
  nsec = 0;

  readonly #raw: boolean;

  /**
   * Begins with none.
   *
   * @param most How many there can be.
   * @param raw Whether whiteouts stay as they are.
   */
  constructor(most: number, raw: boolean) {
    this.#raw = raw;
    this.kinds = new Uint8Array(most);
    this.modes = new Uint16Array(most);
    this.nlinks = new Uint32Array(most);
    this.uids = new Uint32Array(most);
    this.gids = new Uint32Array(most);
    this.rdevs = new Uint32Array(most);
    this.sizes = new Float64Array(most);
    this.mtimes = new Float64Array(most);
    this.nsecs = new Uint32Array(most);
    this.objects = new Int32Array(most);
    this.texts = new ByteStrings(most);
  }

  /**
   * Adds an inode.
   *
   * @param stub Whether it is one of composefs' own, which are no whiteouts.
   * @returns Its place.
   * @throws {Impossible} If no image can hold it.
   */
  add(inode: Inode, stub: boolean): number {
    check(inode);
    const at = this.length++;
    const { mtime, nsec } = inode;
    this.modes[at] = inode.mode;
    this.nlinks[at] = inode.nlink;
    this.uids[at] = inode.uid;
    this.gids[at] = inode.gid;
    this.rdevs[at] = inode.rdev;
    this.sizes[at] = inode.size;
    this.mtimes[at] = mtime;
    this.nsecs[at] = nsec;
    this.objects[at] = -1;
    if (inode.xattrs !== null) this.xattrs.set(at, inode.xattrs);
    this.kinds[at] = this.#classify(inode, at, stub);
    if (this.texts.length === at) this.texts.push("");
    if (at === 0 || mtime < this.mtime || mtime === this.mtime && nsec < this.nsec) {
      this.mtime = mtime;
      this.nsec = nsec;
    }
    return at;
  }

  #classify(inode: Inode, at: number, stub: boolean): number {
    const type = inode.mode & S_IFMT;
    if (type === S_IFDIR) {
      this.nlinks[at] = 2;
      return DIRECTORY;
    }
    if (isWhiteout(inode) && !stub && !this.#raw) {
      this.modes[at] = inode.mode & ~S_IFMT | S_IFREG;
      this.sizes[at] = 0;
      return WHITEOUT;
    }
    if (type === S_IFREG) return this.#classifyFile(inode, at);
    if (type !== S_IFLNK) return OTHER;
    const { target } = inode;
    if (target.length === 0 || target.length > 4095) {
      throw new Impossible("its target is not 1 to 4095 bytes long");
    }
    if (!isPlain(target)) throw new Impossible("its target is not of bytes other than NUL");
    this.sizes[at] = target.length;
    this.texts.push(target);
    return SYMLINK;
  }

  #classifyFile(inode: Inode, at: number): number {
    const { content, digest, size } = inode;
    if (content !== null) {
      if (content.length !== size || size > MAX_INLINE) {
        throw new Impossible(
          `its inline content has ${content.length} bytes, not ${size}, or not at most ${MAX_INLINE}`,
        );
      }
      if (size === 0) return OTHER;
      this.texts.push(content);
      return INLINE;
    }
    if (size === 0) return OTHER;
    if (digest !== null) {
      if (digest.length !== 32) throw new Impossible("its digest is not 32 bytes long");
      this.objects[at] = this.digests.add(digest);
    }
    if (inode.isObject) return EXTERNAL;
    const { payload } = inode;
    if (payload.length > 4095 || !isPlain(payload)) {
      throw new Impossible("its payload is not up to 4095 bytes other than NUL");
    }
    const named = digestOfPath(payload);
    this.elsewhere.set(at, named === undefined ? -1 : this.digests.add(named));
    if (named === undefined) this.texts.push(payload);
    return EXTERNAL;
  }
}

/** Why no image can hold an inode. */
export class Impossible extends Error {}

function check({ mode, nlink, uid, gid, rdev, mtime, nsec, size }: Inode): void {
  const problem = mode > 0xffff || fileType(mode) === 0
    ? `its mode ${mode.toString(8)} has no file type`
    : !(isU32(nlink) && isU32(uid) && isU32(gid) && isU32(rdev))
    ? "its link count, owner, group or device number is not a 32-bit number"
    : !(Number.isSafeInteger(mtime) && nsec >= 0 && nsec < 1e9)
    ? "its modification time is out of range"
    : !(size >= 0 && size <= MAX_FILE)
    ? `its size is not between 0 and ${MAX_FILE} bytes`
    : null;
  if (problem !== null) throw new Impossible(problem);
}

function isU32(value: number): boolean {
  return value >= 0 && value <= MAX_U32 && Number.isInteger(value);
}

/** Whether a string is a byte string without NUL. */
export function isPlain(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (byte === 0 || byte > 0xff) return false;
  }
  return true;
}
