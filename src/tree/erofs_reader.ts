/**
 * Reads a composefs image back into the tree that it was written from.
 *
 * @module
 */

import { EntryCursor, NAME_BUFFER } from "./erofs_entries.ts";
import { ErofsImage, malformed } from "./erofs_image.ts";
import { InodeReader } from "./erofs_inode_reader.ts";
import {
  holdsMarkedWhiteouts,
  isMarkedWhiteout,
  restoreDirectory,
  restoreWhiteout,
} from "./erofs_whiteouts.ts";
import { firstPaths } from "./first_paths.ts";
import type { ByteString, Inode } from "./inode.ts";
import { byteStrings } from "./latin1.ts";

/** A further name of an inode: which of all entries it is, the number of its directory, and the name. */
interface Link {
  readonly entry: number;
  readonly parent: number;
  readonly name: ByteString;
}

class TreeReader {
  readonly #image: ErofsImage;
  readonly #read: InodeReader;
  readonly #text: (start: number, end: number) => ByteString;
  readonly #scratch = new Uint8Array(NAME_BUFFER);
  /** By number: the inode and its nid. */
  readonly #inodes: Inode[];
  readonly #nids: Uint32Array;
  /** By number, the canonical entry: which of all entries it is, the number of its directory, and the name. */
  readonly #entries: Uint32Array;
  readonly #parents: Uint32Array;
  readonly #names: ByteString[];
  /** How many entries were met, and the number that the next canonical one has. */
  #entry = 0;
  #next = 1;
  /** Further names of inodes, by number. */
  readonly #links = new Map<number, Link[]>();
  /** Numbers of files with the marks of a whiteout. */
  readonly #whiteouts: number[] = [];

  constructor(bytes: Uint8Array) {
    const image = this.#image = new ErofsImage(bytes);
    this.#read = new InodeReader(image);
    this.#text = byteStrings(image.bytes);
    this.#inodes = new Array(image.inodes);
    this.#names = new Array(image.inodes);
    this.#nids = new Uint32Array(image.inodes);
    this.#entries = new Uint32Array(image.inodes);
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
    if (this.#links.size > 0) this.#chooseCanonical(root);
    if (this.#whiteouts.length > 0) this.#restoreWhiteouts();
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
      const entry = this.#entry++;
      const ino = image.ino(nid);
      if (ino >= image.inodes) throw malformed(`inode ${nid} has the number ${ino}`);
      const canonical = ino === this.#next;
      if (canonical) this.#next++;
      // Of every type, and of stubs too: the kernel refuses an inode of another layout.
      image.layout(nid);
      if (number === 0 && image.isStub(nid, name)) {
        if (!canonical) throw malformed("its stubs are not numbered in order");
        continue;
      }
      const inode = this.#meet(nid, ino);
      children.set(name, inode);
      if (canonical) {
        this.#entries[ino] = entry;
        this.#parents[ino] = number;
        this.#names[ino] = name;
      } else {
        if (inode.children !== null) throw malformed(`directory ${nid} is in it twice`);
        const links = this.#links.get(ino);
        if (links === undefined) this.#links.set(ino, [{ entry, parent: number, name }]);
        else links.push({ entry, parent: number, name });
      }
    }
  }

  /** The inode with a number, read if it was not met before. */
  #meet(nid: number, ino: number): Inode {
    if (this.#nids[ino] === 0) {
      this.#nids[ino] = nid;
      const inode = this.#inodes[ino] = this.#read.inode(nid);
      if (isMarkedWhiteout(inode)) this.#whiteouts.push(ino);
      return inode;
    }
    if (this.#nids[ino] !== nid) throw malformed(`two inodes have the number ${ino}`);
    return this.#inodes[ino];
  }

  /**
   * Finds out which name of each hard-linked inode is the canonical one, and notes it where it is not the first in
   * depth-first order.
   *
   * That is where the number says: behind the entry of the number before and ahead of that of the next one. Several names
   * may be there, and what was taken so far is the first of them; the first in depth-first order is as good if it is one.
   * From the last number to the first, as each choice leaves more room to the one before.
   */
  #chooseCanonical(root: Inode): void {
    const numbers = [...this.#links.keys()].sort((a, b) => b - a);
    const first = firstPaths(root, new Set(numbers.map((ino) => this.#inodes[ino])));
    for (const ino of numbers) {
      const inode = this.#inodes[ino];
      const path = this.#path(this.#parents[ino], this.#names[ino]);
      const wanted = first.get(inode)!;
      if (path === wanted) continue;
      const end = ino + 1 < this.#entries.length ? this.#entries[ino + 1] : this.#entry;
      const better = this.#links.get(ino)!.find(({ entry, parent, name }) =>
        entry > this.#entries[ino] && entry < end && this.#path(parent, name) === wanted
      );
      if (better === undefined) {
        inode.canonical = path;
      } else {
        this.#entries[ino] = better.entry;
        this.#parents[ino] = better.parent;
      }
    }
  }

  /** The path of an entry. */
  #path(parent: number, name: ByteString): ByteString {
    const parts = [name];
    for (let n = parent; n !== 0; n = this.#parents[n]) parts.push(this.#names[n]);
    return parts.reverse().join("/");
  }

  /** Makes marked files whiteouts again where their directories are marked as well, and removes the marks. */
  #restoreWhiteouts(): void {
    const directories = new Set<Inode>();
    for (const ino of this.#whiteouts) {
      const inode = this.#inodes[ino];
      const directory = this.#inodes[this.#parents[ino]];
      if (!holdsMarkedWhiteouts(directory, this.#image.version)) continue;
      directories.add(directory);
      restoreWhiteout(inode);
    }
    for (const directory of directories) restoreDirectory(directory, this.#image.version);
  }
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
