/**
 * The entries of a directory in an image, one after the other.
 *
 * What is wrong with them is found on the way: names that are impossible or not in order, types that are not those of the
 * inodes, and directories that make no tree. The last is so by the format's own order: inodes lie breadth-first, so a
 * subdirectory lies behind its directory and behind the subdirectory before it, and its `..` leads back; hence a walk
 * ends, and meets no directory twice.
 *
 * @module
 */

import { BLOCK, DIRENT, fileType, FT_DIR } from "./erofs_format.ts";
import { type DataPlace, type ErofsImage, malformed } from "./erofs_image.ts";
import { S_IFDIR, S_IFMT } from "./inode.ts";

const DOT = 0x2e;
const SLASH = 0x2f;
const MAX_NAME = 255;

/** Bytes of a scratch buffer for names: the longest one and the NUL at its end. */
export const NAME_BUFFER: number = MAX_NAME + 1;

/** Walks through the entries of one directory, without `.` and `..`. */
export class EntryCursor {
  /** The current entry's inode. */
  nid = 0;
  /** Its type: one of the `FT_` constants. */
  type = 0;
  /** Bytes of its name, which is in the scratch buffer with a NUL at its end. */
  length = 0;
  /** Where its name is in the image. */
  nameAt = 0;

  readonly #image: ErofsImage;
  readonly #directory: number;
  readonly #name: Uint8Array;
  readonly #place: DataPlace = { blocks: 0, blocksLength: 0, tail: 0, tailLength: 0 };
  /** How much of the directory has been begun. */
  #done = 0;
  /** The current piece: where it starts and ends, its number of entries and the next of these, and where the name of that starts. */
  #piece = 0;
  #end = 0;
  #count = 0;
  #next = 0;
  #nextName = 0;
  #dots = 0;
  #lastDirectory: number;

  /**
   * Stands before the first entry.
   *
   * @param directory Its nid.
   * @param name Gets every entry's name: at least {@link NAME_BUFFER} bytes.
   */
  constructor(image: ErofsImage, directory: number, name: Uint8Array) {
    this.#image = image;
    this.#directory = directory;
    this.#name = name;
    this.#lastDirectory = directory;
    if ((image.mode(directory) & S_IFMT) !== S_IFDIR) {
      throw malformed(`inode ${directory} is no directory`);
    }
    image.locate(directory, this.#place);
  }

  /** Bytes of the directory. */
  get size(): number {
    return this.#place.blocksLength + this.#place.tailLength;
  }

  /** Goes to the next entry, if there is one. */
  next(): boolean {
    const { u16, u32 } = this.#image;
    for (;;) {
      if (this.#next === this.#count && !this.#nextPiece()) return false;
      const at = this.#piece + this.#next++ * DIRENT;
      this.nid = u32[at >>> 2];
      this.type = u16[at + 10 >>> 1];
      const last = this.#next === this.#count;
      const end = last ? this.#end : this.#piece + u16[at + DIRENT + 8 >>> 1];
      this.#takeName(end, last);
      if (u32[at + 4 >>> 2] !== 0 || this.type !== fileType(this.#image.mode(this.nid))) {
        throw this.#malformed("has an entry whose type is not that of its inode");
      }
      if (this.#isDots()) continue;
      if (this.type === FT_DIR) this.#checkSubdirectory();
      return true;
    }
  }

  #nextPiece(): boolean {
    const { blocks, blocksLength, tail, tailLength } = this.#place;
    let length: number;
    if (this.#done < blocksLength) {
      this.#piece = blocks + this.#done;
      length = Math.min(blocksLength - this.#done, BLOCK);
    } else if (this.#done < blocksLength + tailLength) {
      this.#piece = tail;
      length = tailLength;
    } else {
      if (this.#dots !== 2) throw this.#malformed("lacks . or ..");
      return false;
    }
    this.#done += length;
    this.#end = this.#piece + length;
    const names = length >= DIRENT ? this.#image.u16[this.#piece + 8 >>> 1] : 0;
    if (names === 0 || names % DIRENT !== 0 || names > length) {
      throw this.#malformed("has a piece that does not say how many entries it has");
    }
    this.#count = names / DIRENT;
    this.#next = 0;
    this.#nextName = this.#piece + names;
    return true;
  }

  /** Takes the name that ends at `end` (or, as the last of its piece, at a NUL before), and checks it. */
  #takeName(end: number, last: boolean): void {
    const { bytes } = this.#image;
    const name = this.#name;
    const start = this.#nextName;
    const limit = Math.min(end, this.#end, start + MAX_NAME + 1) - start;
    let length = 0;
    for (; length < limit; length++) {
      const byte = bytes[start + length];
      if (byte === 0 || byte === SLASH) break;
      name[length] = byte;
    }
    const whole = start + length === end || last && bytes[start + length] === 0;
    if (!whole || length === 0 || length > MAX_NAME) {
      throw this.#malformed("has an impossible name");
    }
    name[length] = 0;
    const { nameAt: before, length: beforeLength } = this;
    this.length = length;
    // The first byte in which two names differ decides; the buffer's NUL is less than any.
    let i = 0;
    while (i < beforeLength && bytes[before + i] === name[i]) i++;
    if (i === beforeLength ? i >= length : bytes[before + i] > name[i]) {
      throw this.#malformed("has its names in the wrong order");
    }
    this.nameAt = start;
    this.#nextName = end;
  }

  /** Whether the entry is `.` or `..`; checks that these are what they must be. */
  #isDots(): boolean {
    const { length } = this;
    if (this.#name[0] !== DOT || length > 2 || length === 2 && this.#name[1] !== DOT) return false;
    this.#dots++;
    if (this.type !== FT_DIR || length === 1 && this.nid !== this.#directory) {
      throw this.#malformed("has a wrong . or ..");
    }
    return true;
  }

  #checkSubdirectory(): void {
    const ordered = this.nid > this.#lastDirectory;
    if (!ordered || parentOf(this.#image, this.nid) !== this.#directory) {
      throw this.#malformed("has a subdirectory that is elsewhere in the tree");
    }
    this.#lastDirectory = this.nid;
  }

  #malformed(reason: string): Error {
    return malformed(`directory ${this.#directory} ${reason}`);
  }
}

const place: DataPlace = { blocks: 0, blocksLength: 0, tail: 0, tailLength: 0 };

/**
 * What a directory has for `..`; -1 if it has nothing. Names are in order, and where they are not the directory is refused when it is
 * walked: so the search halves, and directories that pretend to have the same blocks cost next to nothing.
 */
function parentOf(image: ErofsImage, directory: number): number {
  image.locate(directory, place);
  const { blocks, blocksLength, tail, tailLength } = place;
  const whole = Math.ceil(blocksLength / BLOCK);
  const startOf = (piece: number) => piece < whole ? blocks + piece * BLOCK : tail;
  const lengthOf = (piece: number) =>
    piece < whole ? Math.min(BLOCK, blocksLength - piece * BLOCK) : tailLength;
  // The last piece that does not begin behind `..`.
  let piece = 0;
  for (let last = whole + (tailLength > 0 ? 1 : 0) - 1; piece < last;) {
    const middle = (piece + last + 1) >>> 1;
    if (orderToDots(image, startOf(middle), lengthOf(middle), 0) <= 0) piece = middle;
    else last = middle - 1;
  }
  const [start, length] = [startOf(piece), lengthOf(piece)];
  let first = 0;
  let end = Math.floor(Math.min(image.u16[start + 8 >>> 1], length) / DIRENT);
  while (first < end) {
    const middle = (first + end) >>> 1;
    const order = orderToDots(image, start, length, middle);
    if (order === 0) return image.u32[start + middle * DIRENT >>> 2];
    if (order < 0) first = middle + 1;
    else end = middle;
  }
  return -1;
}

/** Where the name of an entry of a piece sorts: before `..` (negative), behind it, or as `..` itself (0). */
function orderToDots(image: ErofsImage, piece: number, length: number, index: number): number {
  const { bytes, u16 } = image;
  const at = piece + index * DIRENT;
  const isLast = (index + 1) * DIRENT >= u16[piece + 8 >>> 1];
  const name = piece + u16[at + 8 >>> 1];
  const end = piece + (isLast ? length : u16[at + DIRENT + 8 >>> 1]);
  for (let i = 0;; i++) {
    const byte = name + i < end ? bytes[name + i] : 0;
    if (i === 2) return byte === 0 ? 0 : 1;
    if (byte !== DOT) return byte < DOT ? -1 : 1;
  }
}
