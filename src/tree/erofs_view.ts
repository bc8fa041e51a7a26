/**
 * A tree as it lies in a composefs image, for walks where every microsecond counts: nothing is parsed ahead and next to
 * nothing allocated, and names go from the image into system calls as bytes. What composefs adds for itself is hidden
 * and what it escapes is undone, so that a walker sees the tree.
 *
 * @module
 */

import { AttributeCursor } from "./erofs_attribute_cursor.ts";
import { EntryCursor, NAME_BUFFER } from "./erofs_entries.ts";
import {
  ESCAPED_OVERLAY,
  FT_BLK,
  FT_CHR,
  FT_DIR,
  FT_FIFO,
  FT_LNK,
  FT_REG,
  FT_SOCK,
  LAYOUT_CHUNKS,
  LAYOUT_PLAIN,
  METACOPY,
  OPAQUE_MARKS,
  OVERLAY,
  REDIRECT,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from "./erofs_format.ts";
import { type DataPlace, ErofsImage, malformed } from "./erofs_image.ts";
import { PREFIX_BYTES, type SplitName, splitName } from "./erofs_names.ts";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "./inode.ts";

/**
 * Takes one entry of a directory.
 *
 * @param nid Its inode.
 * @param type Its type: the `S_IFMT` bits of its mode.
 * @param name Its name with a NUL at the end, in a buffer that the next entry overwrites.
 * @param length Bytes of the name.
 */
export type EntryVisitor = (nid: number, type: number, name: Uint8Array, length: number) => void;

/**
 * Takes one xattr.
 *
 * @param key Its full name with a NUL at the end, in a buffer that the next one overwrites.
 * @param value Its value: part of the image.
 */
export type XattrVisitor = (key: Uint8Array, value: Uint8Array) => void;

const TYPES: number[] = [];
TYPES[FT_REG] = S_IFREG;
TYPES[FT_DIR] = S_IFDIR;
TYPES[FT_CHR] = S_IFCHR;
TYPES[FT_BLK] = S_IFBLK;
TYPES[FT_FIFO] = S_IFIFO;
TYPES[FT_SOCK] = S_IFSOCK;
TYPES[FT_LNK] = S_IFLNK;

const redirect = splitName(REDIRECT);
const metacopy = splitName(METACOPY);
const whiteout = WHITEOUT_MARKS.map(splitName);
const whiteouts = WHITEOUTS_MARKS.map(splitName);
const opaque = OPAQUE_MARKS.map(splitName);
/** `overlay.`, and the same as it is escaped, as both stand behind `trusted.`. */
const overlay = splitName(OVERLAY);
const escaped = splitName(ESCAPED_OVERLAY);
const userOverlay = splitName("user.overlay.");

const SLASH = 0x2f;
const LETTER_X = 0x78;
const MAX_PATH = 4096;
const METACOPY_LENGTH = 36;
const DIGEST = 4;

/**
 * A cursor over an image. Inodes are named by numbers (nids) that {@link entries} hands out; `ino` is another one, which
 * counts them: two names are one inode if their nids are equal.
 *
 * Every access is checked: an image that is not what it must be is a LaminaError (invalid). A walk from the root that
 * follows directories ends, and meets none of them twice.
 */
export class ErofsView {
  /** The root directory. */
  readonly rootNid: number;
  /** Number of inodes, with 256 or fewer that only composefs itself needs; every `ino` is less. */
  readonly inodes: number;
  readonly #image: ErofsImage;
  readonly #attributes: AttributeCursor;
  readonly #place: DataPlace = { blocks: 0, blocksLength: 0, tail: 0, tailLength: 0 };
  readonly #name = new Uint8Array(NAME_BUFFER);
  readonly #key = new Uint8Array(2 * NAME_BUFFER);
  readonly #target = new Uint8Array(MAX_PATH);
  readonly #object = new Uint8Array(MAX_PATH);

  /**
   * Looks at the header, and at nothing else yet.
   *
   * @throws LaminaError (invalid) for what is no composefs image.
   */
  constructor(image: Uint8Array) {
    this.#image = new ErofsImage(image);
    this.#attributes = new AttributeCursor(this.#image);
    this.rootNid = this.#image.rootNid;
    this.inodes = this.#image.inodes;
  }

  /** `st_mode`: type and permission bits. */
  mode(nid: number): number {
    const mode = this.#image.mode(nid);
    return (mode & S_IFMT) === S_IFREG && this.#isWhiteout(nid) ? mode & ~S_IFMT | S_IFCHR : mode;
  }

  /** Owner. */
  uid(nid: number): number {
    return this.#image.uid(nid);
  }

  /** Group. */
  gid(nid: number): number {
    return this.#image.gid(nid);
  }

  /** Device number of a device, in Linux' 32-bit encoding; 0 for all else. */
  rdev(nid: number): number {
    const type = this.#image.mode(nid) & S_IFMT;
    return type === S_IFCHR || type === S_IFBLK ? this.#image.union(nid) : 0;
  }

  /** Bytes of content of a regular file; of a symbolic link, of its target. Of no meaning for others. */
  size(nid: number): number {
    return this.#image.size(nid);
  }

  /** Modification time, seconds since the epoch. */
  mtime(nid: number): number {
    return this.#image.mtimeOf(nid);
  }

  /** Modification time, nanoseconds. */
  nsec(nid: number): number {
    return this.#image.nsecOf(nid);
  }

  /** Link count. */
  nlink(nid: number): number {
    return this.#image.nlink(nid);
  }

  /** The inode's number in the image, by which a tree's origins are kept. */
  ino(nid: number): number {
    return this.#image.ino(nid);
  }

  /**
   * Hands out the entries of a directory, in byte order of their names, without `.` and `..`.
   *
   * All calls share one buffer for names: a visitor that itself walks another directory must have used its name before.
   */
  entries(nid: number, visit: EntryVisitor): void {
    const name = this.#name;
    const cursor = new EntryCursor(this.#image, nid, name);
    while (cursor.next()) {
      let type = TYPES[cursor.type];
      if (type === S_IFREG) {
        if (this.#isWhiteout(cursor.nid)) type = S_IFCHR;
      } else if (type === S_IFCHR && nid === this.rootNid && this.#isStub(cursor)) {
        continue;
      }
      visit(cursor.nid, type, name, cursor.length);
    }
  }

  /** The target of a symbolic link with a NUL at its end, in a buffer that the next call overwrites. */
  linkTarget(nid: number): Uint8Array {
    const { bytes } = this.#image;
    const place = this.#place;
    const isLink = (this.#image.mode(nid) & S_IFMT) === S_IFLNK;
    this.#image.locate(nid, place);
    const start = place.blocksLength > 0 ? place.blocks : place.tail;
    const length = place.blocksLength + place.tailLength;
    const split = place.blocksLength > 0 && place.tailLength > 0;
    if (!isLink || split || length === 0 || length >= MAX_PATH) {
      throw malformed(`inode ${nid} has no possible link target`);
    }
    const target = this.#target;
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i];
      if (byte === 0) throw malformed(`inode ${nid} has a link target with a NUL byte`);
      target[i] = byte;
    }
    target[length] = 0;
    return target;
  }

  /** The content of a regular file that is in the image (part of it, where it is in one piece); null where it is an object. */
  inline(nid: number): Uint8Array | null {
    if ((this.#image.mode(nid) & S_IFMT) !== S_IFREG) throw malformed(`inode ${nid} is no file`);
    if (this.#image.layout(nid) === LAYOUT_CHUNKS) return null;
    const { bytes } = this.#image;
    const place = this.#place;
    this.#image.locate(nid, place);
    const inBlocks = bytes.subarray(place.blocks, place.blocks + place.blocksLength);
    const inTail = bytes.subarray(place.tail, place.tail + place.tailLength);
    if (inBlocks.length === 0) return inTail;
    if (inTail.length === 0) return inBlocks;
    const content = new Uint8Array(inBlocks.length + inTail.length);
    content.set(inBlocks);
    content.set(inTail, inBlocks.length);
    return content;
  }

  /**
   * The path of a regular file's content below the object directory (`ab/cdef…`) with a NUL at its end, in a buffer that the
   * next call overwrites; null where the content is in the image, or nobody said where it is.
   */
  object(nid: number): Uint8Array | null {
    if (this.#image.layout(nid) !== LAYOUT_CHUNKS) return null;
    const cursor = this.#attributes;
    if (!cursor.find(nid, redirect)) return null;
    const { bytes } = this.#image;
    const object = this.#object;
    let length = 0;
    // composefs puts one slash before the path, for the overlay's sake.
    for (let i = bytes[cursor.value] === SLASH ? 1 : 0; i < cursor.valueLength; i++) {
      const byte = bytes[cursor.value + i];
      if (byte === 0 || length === MAX_PATH - 1) {
        throw malformed(`inode ${nid} has an impossible object path`);
      }
      object[length++] = byte;
    }
    object[length] = 0;
    return object;
  }

  /** The fs-verity digest (32 bytes, part of the image) of a regular file's content, where it has one. */
  digest(nid: number): Uint8Array | null {
    if (this.#image.layout(nid) !== LAYOUT_CHUNKS) return null;
    const cursor = this.#attributes;
    if (!cursor.find(nid, metacopy) || cursor.valueLength !== METACOPY_LENGTH) return null;
    return this.#image.bytes.subarray(cursor.value + DIGEST, cursor.value + METACOPY_LENGTH);
  }

  /** Whether {@link xattrs} would visit any. */
  hasXattrs(nid: number): boolean {
    if (this.#image.xattrsLength(nid) === 0) return false;
    const cursor = this.#attributes;
    cursor.start(nid);
    let marks = false;
    while (cursor.next()) {
      if (!this.#isOverlay(cursor)) return true;
      if (cursor.index !== overlay.index || cursor.startsWith(escaped.suffix)) marks = true;
    }
    let found = false;
    if (marks) this.xattrs(nid, () => found = true);
    return found;
  }

  /** Hands out the xattrs of an inode, without those that composefs added. */
  xattrs(nid: number, visit: XattrVisitor): void {
    if (this.#image.xattrsLength(nid) === 0) return;
    const { bytes } = this.#image;
    const key = this.#key;
    const cursor = new AttributeCursor(this.#image);
    cursor.start(nid);
    while (cursor.next()) {
      if (this.#isOverlay(cursor) && this.#isOfComposefs(nid, cursor)) continue;
      const prefix = PREFIX_BYTES[cursor.index]!;
      // Behind `trusted.`, an escaped name has `overlay.` twice.
      const skip = cursor.index === escaped.index && cursor.startsWith(escaped.suffix)
        ? overlay.suffix.length
        : 0;
      let length = 0;
      for (; length < prefix.length; length++) key[length] = prefix[length];
      for (let i = skip; i < cursor.suffixLength; i++) {
        const byte = bytes[cursor.suffix + i];
        if (byte === 0) throw malformed(`inode ${nid} has an xattr with a NUL byte in its name`);
        key[length++] = byte;
      }
      key[length] = 0;
      visit(key, bytes.subarray(cursor.value, cursor.value + cursor.valueLength));
    }
  }

  /** Whether a name is one that overlayfs gives a meaning to. */
  #isOverlay(cursor: AttributeCursor): boolean {
    return cursor.index === overlay.index
      ? cursor.startsWith(overlay.suffix)
      : cursor.index === userOverlay.index && cursor.startsWith(userOverlay.suffix);
  }

  /** Whether composefs added such an xattr. */
  #isOfComposefs(nid: number, cursor: AttributeCursor): boolean {
    if (cursor.index === overlay.index && !cursor.startsWith(escaped.suffix)) return true;
    const is = (name: SplitName) => cursor.is(name);
    if ((this.#image.mode(nid) & S_IFMT) !== S_IFDIR) {
      return whiteout.some(is) && this.#isWhiteout(nid);
    }
    if (!this.#hasMarks(nid, whiteouts)) return false;
    return whiteouts.some(is) ||
      this.#image.version > 0 && opaque.some(is) && cursor.valueLength === 1 &&
        this.#image.bytes[cursor.value] === LETTER_X;
  }

  /** Whether a regular file stands for a whiteout. */
  #isWhiteout(nid: number): boolean {
    const image = this.#image;
    return image.u16[(nid << 4) + 1] > 0 && image.size(nid) === 0 &&
      image.layout(nid) === LAYOUT_PLAIN && this.#hasMarks(nid, whiteout);
  }

  /** Whether an inode has both of a pair of marks, without values. */
  #hasMarks(nid: number, marks: readonly SplitName[]): boolean {
    const cursor = this.#attributes;
    return cursor.find(nid, marks[0]) && cursor.valueLength === 0 &&
      cursor.find(nid, marks[1]) && cursor.valueLength === 0;
  }

  /** Whether an entry of the root that is a character device is one of the 256 that composefs adds. */
  #isStub(cursor: EntryCursor): boolean {
    return cursor.length === 2 && this.#image.union(cursor.nid) === 0 && isHex(this.#name[0]) &&
      isHex(this.#name[1]);
  }
}

/** Whether a byte is a lower-case hexadecimal digit. */
function isHex(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39 || byte >= 0x61 && byte <= 0x66;
}
