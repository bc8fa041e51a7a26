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

const DOT = 0x2e;
/** For names of `.` and `..`, which have no entry: their lengths, negative. */
const [DOT_NAME, DOTS_NAME] = [-1, -2];

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

/** Where a piece of a directory is to be written: an index into the bytes; undefined for one that is not to be written now. */
type PlaceOf = (piece: number) => number | undefined;

/** Writes the directories of an image. */
export class DirectoryWriter {
  readonly #numbering: Numbering;
  readonly #nids: Uint32Array;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  /** The entries of one, with `.` and `..` in their places: the name's, and the number of the inode. */
  readonly #names: number[] = [];
  readonly #numbers: number[] = [];

  /**
   * @param nids Places of all inodes.
   * @param bytes What they are written into.
   */
  constructor(numbering: Numbering, nids: Uint32Array, bytes: Uint8Array<ArrayBuffer>) {
    this.#numbering = numbering;
    this.#nids = nids;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  /** Writes pieces of the n-th directory. */
  write(directory: number, placeOf: PlaceOf): void {
    this.#list(directory);
    const names = this.#names;
    for (let piece = 0, first = 0; first < names.length; piece++) {
      let last = first;
      for (let size = 0; last < names.length; last++) {
        size += DIRENT + this.#length(last);
        if (size > BLOCK) break;
      }
      const at = placeOf(piece);
      if (at !== undefined) this.#piece(first, last, at);
      first = last;
    }
  }

  #list(directory: number): void {
    const { targets, firstEntry, entryOfDirectory } = this.#numbering;
    const entry = entryOfDirectory[directory];
    const end = firstEntry[directory + 1];
    this.#names.length = this.#numbers.length = 0;
    let dots = 0;
    for (let e = firstEntry[directory]; e <= end; e++) {
      if (dots === 0 && (e === end || this.#isBehindDots(e, 1))) {
        this.#add(DOT_NAME, targets[entry]);
        dots = 1;
      }
      if (dots === 1 && (e === end || this.#isBehindDots(e, 2))) {
        this.#add(DOTS_NAME, targets[this.#numbering.parent(entry)]);
        dots = 2;
      }
      if (e < end) this.#add(e, targets[e]);
    }
  }

  /** Whether a name sorts behind so many dots. */
  #isBehindDots(entry: number, dots: number): boolean {
    const { names } = this.#numbering;
    const start = names.start(entry);
    const length = names.size(entry);
    for (let i = 0; i < dots; i++) {
      if (i === length) return false;
      const byte = names.bytes[start + i];
      if (byte !== DOT) return byte > DOT;
    }
    return length > dots;
  }

  #add(name: number, number: number): void {
    this.#names.push(name);
    this.#numbers.push(number);
  }

  /** Bytes of the name of a listed entry. */
  #length(i: number): number {
    const name = this.#names[i];
    return name < 0 ? -name : this.#numbering.names.size(name);
  }

  #piece(first: number, last: number, at: number): void {
    const bytes = this.#bytes;
    const view = this.#view;
    const { names, places, inodes } = this.#numbering;
    let nameAt = at + (last - first) * DIRENT;
    for (let i = first, p = at; i < last; i++, p += DIRENT) {
      const number = this.#numbers[i];
      view.setUint32(p, this.#nids[number], true);
      view.setUint16(p + 8, nameAt - at, true);
      bytes[p + 10] = fileType(inodes.modes[places[number]]);
      const length = this.#length(i);
      const start = this.#names[i] < 0 ? -1 : names.start(this.#names[i]);
      for (let c = 0; c < length; c++) bytes[nameAt++] = start < 0 ? DOT : names.bytes[start + c];
    }
  }
}
