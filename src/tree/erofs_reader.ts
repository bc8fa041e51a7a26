/**
 * Reads a composefs image back into the tree that it was written from.
 *
 * @module
 */

import { EntryCursor, NAME_BUFFER } from "./erofs_entries.ts";
import {
  ESCAPED_OVERLAY,
  OPAQUE_MARKS,
  OVERLAY,
  STUB_NAMES,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from "./erofs_format.ts";
import { ErofsImage, malformed } from "./erofs_image.ts";
import { InodeReader } from "./erofs_inode_reader.ts";
import { firstPaths } from "./first_paths.ts";
import { type ByteString, type Inode, S_IFCHR, S_IFMT, S_IFREG } from "./inode.ts";
import { byteStrings } from "./latin1.ts";

const LETTER_X = 0x78;
/** The names that marks have once they are un-escaped. */
const unescaped = (name: ByteString): ByteString =>
  name.startsWith(ESCAPED_OVERLAY) ? OVERLAY + name.slice(ESCAPED_OVERLAY.length) : name;
const WHITEOUT = WHITEOUT_MARKS.map(unescaped);
const WHITEOUTS = WHITEOUTS_MARKS.map(unescaped);
const OPAQUE_X = OPAQUE_MARKS.map(unescaped);
const STUBS = new Set(STUB_NAMES);

class TreeReader {
  readonly #image: ErofsImage;
  readonly #read: InodeReader;
  readonly #text: (start: number, end: number) => ByteString;
  readonly #scratch = new Uint8Array(NAME_BUFFER);
  /** By number: the inode and its nid; and its canonical entry: the directory's number, and the name. */
  readonly #inodes: Inode[];
  readonly #nids: Uint32Array;
  readonly #parents: Uint32Array;
  readonly #names: ByteString[];
  /** The number that the next canonical entry has. */
  #next = 1;
  /** Numbers of inodes with further names. */
  readonly #linked = new Set<number>();
  /** Directories that hold whiteouts. */
  readonly #marked = new Set<Inode>();

  constructor(bytes: Uint8Array) {
    const image = this.#image = new ErofsImage(bytes);
    this.#read = new InodeReader(image);
    this.#text = byteStrings(image.bytes);
    this.#inodes = new Array(image.inodes);
    this.#names = new Array(image.inodes);
    this.#nids = new Uint32Array(image.inodes);
    this.#parents = new Uint32Array(image.inodes);
  }

  read(): Inode {
    const image = this.#image;
    const root = this.#read.inode(image.rootNid);
    if (image.ino(image.rootNid) !== 0) throw malformed("its root does not have the number 0");
    this.#inodes[0] = root;
    this.#nids[0] = image.rootNid;
    // A directory's number is less than those of what is in it, so this meets every directory after its parent.
    for (let number = 0; number < this.#next; number++) {
      if (this.#inodes[number]?.children) this.#directory(number);
    }
    if (this.#next !== image.inodes) {
      throw malformed(`it says that it has ${image.inodes} inodes, and has ${this.#next}`);
    }
    for (const directory of this.#marked) this.#removeMarks(directory);
    if (this.#linked.size > 0) this.#findCanonicalPaths(root);
    return root;
  }

  #directory(number: number): void {
    const image = this.#image;
    const children = this.#inodes[number].children!;
    const cursor = new EntryCursor(image, this.#nids[number], this.#scratch);
    this.#read.take(cursor.size);
    while (cursor.next()) {
      const { nid, nameAt } = cursor;
      const name = this.#text(nameAt, nameAt + cursor.length);
      const ino = image.ino(nid);
      const canonical = ino === this.#next;
      if (canonical) this.#next++;
      if (ino >= image.inodes) throw malformed(`inode ${nid} has the number ${ino}`);
      if (number === 0 && this.#isStub(nid, name)) {
        if (!canonical) throw malformed("its stubs are not numbered in order");
        continue;
      }
      const inode = this.#meet(nid, ino);
      children.set(name, inode);
      if (!canonical) {
        if (inode.children !== null) throw malformed(`directory ${nid} is in it twice`);
        this.#linked.add(ino);
        continue;
      }
      this.#parents[ino] = number;
      this.#names[ino] = name;
      if (isMarkedWhiteout(inode)) this.#whiteout(inode, this.#inodes[number]);
    }
  }

  /** The inode with a number, read if it was not met before. */
  #meet(nid: number, ino: number): Inode {
    if (this.#nids[ino] === 0) {
      this.#nids[ino] = nid;
      return this.#inodes[ino] = this.#read.inode(nid);
    }
    if (this.#nids[ino] !== nid) throw malformed(`two inodes have the number ${ino}`);
    return this.#inodes[ino];
  }

  #isStub(nid: number, name: ByteString): boolean {
    return STUBS.has(name) && (this.#image.mode(nid) & S_IFMT) === S_IFCHR &&
      this.#image.union(nid) === 0;
  }

  /** Makes a marked file a whiteout again, if its directory is marked as well. */
  #whiteout(inode: Inode, directory: Inode): void {
    if (!this.#marked.has(directory)) {
      const { xattrs } = directory;
      const opaque = this.#image.version === 0 ||
        OPAQUE_X.every((name) => isLetterX(xattrs?.get(name)));
      if (!opaque || !WHITEOUTS.every((name) => xattrs?.get(name)?.length === 0)) return;
      this.#marked.add(directory);
    }
    inode.mode = inode.mode & ~S_IFMT | S_IFCHR;
    deleteAll(inode, WHITEOUT);
  }

  #removeMarks(directory: Inode): void {
    deleteAll(directory, WHITEOUTS);
    if (this.#image.version > 0) deleteAll(directory, OPAQUE_X);
  }

  /** Notes the canonical path of every hard-linked inode where it is not the first one in depth-first order. */
  #findCanonicalPaths(root: Inode): void {
    const first = firstPaths(root, new Set(Array.from(this.#linked, (ino) => this.#inodes[ino])));
    for (const ino of this.#linked) {
      const parts: ByteString[] = [];
      for (let n = ino; n !== 0; n = this.#parents[n]) parts.push(this.#names[n]);
      const path = parts.reverse().join("/");
      if (path !== first.get(this.#inodes[ino])) this.#inodes[ino].canonical = path;
    }
  }
}

/** Whether a file has the marks of a whiteout. */
function isMarkedWhiteout(inode: Inode): boolean {
  return inode.xattrs !== null && inode.size === 0 && (inode.mode & S_IFMT) === S_IFREG &&
    WHITEOUT.every((name) => inode.xattrs!.get(name)?.length === 0);
}

function isLetterX(value: Uint8Array | undefined): boolean {
  return value?.length === 1 && value[0] === LETTER_X;
}

function deleteAll(inode: Inode, names: readonly ByteString[]): void {
  for (const name of names) inode.xattrs!.delete(name);
  if (inode.xattrs!.size === 0) inode.xattrs = null;
}

/**
 * The tree that a composefs image holds, without what composefs added to it. Written again in the version that
 * {@link erofsFormat} tells, it gives the same image, bit for bit.
 *
 * @throws LaminaError (invalid) for everything that is not such an image.
 */
export function readErofs(image: Uint8Array): Inode {
  return new TreeReader(image).read();
}

/**
 * The version of an image's format.
 *
 * @throws LaminaError (invalid) for everything that is not such an image.
 */
export function erofsFormat(image: Uint8Array): "v0" | "v1" {
  return new ErofsImage(image).version === 0 ? "v0" : "v1";
}
