/**
 * What a tree's inodes become in an image. composefs keeps its own meaning in overlay xattrs, so whiteouts become
 * marked empty files, and only the type and the bits of the mode tell what has data where.
 *
 * @module
 */

import { fileType, MAX_FILE, MAX_INLINE, MAX_U32 } from "./erofs_format.ts";
import { isPlain, type Numbering } from "./erofs_numbering.ts";
import { type Inode, isWhiteout, S_IFLNK, S_IFMT, S_IFREG } from "./inode.ts";

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

/** The inodes of an image as they are written, by number. */
export class Rewritten {
  /** What each is: one of the constants above. */
  readonly kinds: Uint8Array;
  /** Modes, with the type that is written. */
  readonly modes: Uint16Array;
  /** Sizes as the tree has them, even where they mean nothing; true ones of inline files and symlinks; 0 of directories. */
  readonly sizes: Float64Array;
  /** Link counts; of directories, those that EROFS wants. */
  readonly nlinks: Uint32Array;
  /** Directories that hold whiteouts, by number. */
  readonly whiteoutParents = new Set<number>();
  /** The smallest modification time, which is the image's build time: seconds. */
  readonly mtime: number;
  /** Its nanoseconds. */
  readonly nsec: number;

  readonly #numbering: Numbering;

  /**
   * Looks at every inode.
   *
   * @throws LaminaError (invalid) for an inode that no image can hold.
   */
  constructor(numbering: Numbering) {
    this.#numbering = numbering;
    const { inodes } = numbering;
    this.kinds = new Uint8Array(inodes.length);
    this.modes = new Uint16Array(inodes.length);
    this.sizes = new Float64Array(inodes.length);
    this.nlinks = new Uint32Array(inodes.length);
    let { mtime, nsec } = inodes[0];
    for (let n = 0; n < inodes.length; n++) {
      const inode = inodes[n];
      this.#check(inode, n);
      this.modes[n] = inode.mode;
      this.nlinks[n] = inode.nlink;
      this.sizes[n] = inode.size;
      this.kinds[n] = this.#classify(inode, n);
      if (inode.mtime < mtime || inode.mtime === mtime && inode.nsec < nsec) {
        ({ mtime, nsec } = inode);
      }
    }
    this.mtime = mtime;
    this.nsec = nsec;
    this.#countSubdirectories();
  }

  #check(inode: Inode, n: number): void {
    const { mode, nlink, uid, gid, rdev } = inode;
    const problem = mode > 0xffff || fileType(mode) === 0
      ? `its mode ${mode.toString(8)} has no file type`
      : !(isU32(nlink) && isU32(uid) && isU32(gid) && isU32(rdev))
      ? "its link count, owner, group or device number is not a 32-bit number"
      : !(Number.isSafeInteger(inode.mtime) && inode.nsec >= 0 && inode.nsec < 1e9)
      ? "its modification time is out of range"
      : !(inode.size >= 0 && inode.size <= MAX_FILE)
      ? `its size is not between 0 and ${MAX_FILE} bytes`
      : null;
    if (problem !== null) throw this.#numbering.error(n, problem);
  }

  #classify(inode: Inode, n: number): number {
    if (inode.children !== null) {
      this.sizes[n] = 0;
      return DIRECTORY;
    }
    if (isWhiteout(inode) && inode !== this.#numbering.stub && !this.#numbering.raw) {
      this.modes[n] = inode.mode & ~S_IFMT | S_IFREG;
      this.sizes[n] = 0;
      this.whiteoutParents.add(this.#parent(n));
      return WHITEOUT;
    }
    switch (inode.mode & S_IFMT) {
      case S_IFREG:
        return this.#classifyFile(inode, n);
      case S_IFLNK:
        if (inode.target.length === 0 || inode.target.length > 4095) {
          throw this.#numbering.error(n, "its target is not 1 to 4095 bytes long");
        }
        if (!isPlain(inode.target)) {
          throw this.#numbering.error(n, "its target is not of bytes other than NUL");
        }
        this.sizes[n] = inode.target.length;
        return SYMLINK;
      default:
        return OTHER;
    }
  }

  #classifyFile(inode: Inode, n: number): number {
    const { content, digest, size } = inode;
    if (content !== null) {
      if (content.length === size && size <= MAX_INLINE) return size > 0 ? INLINE : OTHER;
      const reason =
        `its inline content has ${content.length} bytes, not ${size}, or not at most ${MAX_INLINE}`;
      throw this.#numbering.error(n, reason);
    }
    if (size === 0) return OTHER;
    if (digest !== null && digest.length !== 32) {
      throw this.#numbering.error(n, "its digest is not 32 bytes long");
    }
    if (inode.payload.length > 4095 || !isPlain(inode.payload)) {
      throw this.#numbering.error(n, "its payload is not up to 4095 bytes other than NUL");
    }
    return EXTERNAL;
  }

  /** The number of the directory that an inode's canonical entry is in. */
  #parent(n: number): number {
    const { targets, entryOf } = this.#numbering;
    return targets[this.#numbering.parent(entryOf[n])];
  }

  #countSubdirectories(): void {
    const { entryOfDirectory, targets } = this.#numbering;
    for (const entry of entryOfDirectory) this.nlinks[targets[entry]] = 2;
    for (let d = 1; d < entryOfDirectory.length; d++) {
      this.nlinks[targets[this.#numbering.parent(entryOfDirectory[d])]]++;
    }
  }
}

function isU32(value: number): boolean {
  return value >= 0 && value <= MAX_U32 && Number.isInteger(value);
}
