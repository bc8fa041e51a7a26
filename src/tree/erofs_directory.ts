/**
 * Directories of an image. Their entries, with `.` and `..` sorted in, fill pieces of at most one block, greedily: first
 * the fixed parts of all entries of the piece, then the names back to back. All pieces but the last are blocks of the data
 * area; the last one is kept behind the inode if it is small enough.
 *
 * @module
 */

import { BLOCK, DIRENT, fileType, MAX_TAIL } from "./erofs_format.ts";
import type { Numbering } from "./erofs_numbering.ts";
import type { ByteString } from "./inode.ts";

/**
 * Bytes of a directory (`i_size`): whole blocks and the tail, if any.
 *
 * @param names Names of entries, in byte order from `first` to before `end`.
 */
export function directorySize(names: readonly ByteString[], first: number, end: number): number {
  let size = 0;
  let piece = 0;
  let dots = 0;
  for (let entry = first; entry <= end; entry++) {
    while (dots < 2 && (entry === end || names[entry] > (dots === 0 ? "." : ".."))) {
      dots++;
      if (piece + DIRENT + dots > BLOCK) {
        size += BLOCK;
        piece = 0;
      }
      piece += DIRENT + dots;
    }
    if (entry === end) break;
    const cost = DIRENT + names[entry].length;
    if (piece + cost > BLOCK) {
      size += BLOCK;
      piece = 0;
    }
    piece += cost;
  }
  return size + (piece > MAX_TAIL ? BLOCK : piece);
}

/** Writes the directories of an image, in the order of their numbers. */
export class DirectoryWriter {
  readonly #numbering: Numbering;
  readonly #modes: Uint16Array;
  readonly #nids: Uint32Array;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** Which directory comes next. */
  #next = 0;
  /** Its entries, with `.` and `..` in their places: name, and number of the inode. */
  readonly #names: ByteString[] = [];
  readonly #numbers: number[] = [];

  /**
   * Begins with the root.
   *
   * @param modes Modes of all inodes as they are in the image.
   * @param nids Places of all inodes.
   * @param bytes The image.
   */
  constructor(
    numbering: Numbering,
    modes: Uint16Array,
    nids: Uint32Array,
    bytes: Uint8Array<ArrayBuffer>,
  ) {
    this.#numbering = numbering;
    this.#modes = modes;
    this.#nids = nids;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  /** Writes the next directory: its blocks from `start` to `end`, and what is left to `tail`. */
  write(start: number, end: number, tail: number): void {
    this.#list(this.#next++);
    const names = this.#names;
    let block = start;
    for (let first = 0; first < names.length;) {
      let last = first;
      for (let size = 0; last < names.length; last++) {
        size += DIRENT + names[last].length;
        if (size > BLOCK) break;
      }
      this.#piece(first, last, block < end ? block : tail);
      block += BLOCK;
      first = last;
    }
  }

  #list(directory: number): void {
    const { names, targets, firstEntry, entryOfDirectory } = this.#numbering;
    const entry = entryOfDirectory[directory];
    const end = firstEntry[directory + 1];
    this.#names.length = this.#numbers.length = 0;
    let dots = 0;
    for (let e = firstEntry[directory]; e <= end; e++) {
      if (dots === 0 && (e === end || names[e] > ".")) {
        this.#add(".", targets[entry]);
        dots = 1;
      }
      if (dots === 1 && (e === end || names[e] > "..")) {
        this.#add("..", targets[this.#numbering.parent(entry)]);
        dots = 2;
      }
      if (e < end) this.#add(names[e], targets[e]);
    }
  }

  #add(name: ByteString, number: number): void {
    this.#names.push(name);
    this.#numbers.push(number);
  }

  #piece(first: number, last: number, at: number): void {
    const bytes = this.#bytes;
    const view = this.#view;
    let nameAt = at + (last - first) * DIRENT;
    for (let i = first, p = at; i < last; i++, p += DIRENT) {
      const number = this.#numbers[i];
      view.setUint32(p, this.#nids[number], true);
      view.setUint16(p + 8, nameAt - at, true);
      bytes[p + 10] = fileType(this.#modes[number]);
      const name = this.#names[i];
      for (let c = 0; c < name.length; c++) bytes[nameAt++] = name.charCodeAt(c);
    }
  }
}
