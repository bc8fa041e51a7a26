/**
 * The order of a composefs image: which inodes there are, their numbers, and what every directory holds.
 *
 * Inodes are numbered breadth-first, directory entries in byte order; a hard-linked inode where its canonical name
 * stands. The root (number 0) also gets the 256 stubs, unless the image is raw.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { STUB_MODE, STUB_NAMES } from "./erofs_format.ts";
import { type ByteString, Inode } from "./inode.ts";

/** A tree in the order of its image. */
export class Numbering {
  /** Every inode, by its number (`i_ino`). The stubs are one object many times over. */
  readonly inodes: Inode[] = [];
  /** The (canonical) entry of every inode, by its number. */
  readonly entryOf: number[] = [];
  /** The name of every entry: directory after directory, each in byte order. */
  readonly names: ByteString[] = [""];
  /** The number of the inode that an entry leads to. Entry 0 is the root itself. */
  readonly targets: Int32Array;
  /** For the n-th directory (in order of their numbers) its first entry; one more at the end. */
  readonly firstEntry: number[] = [];
  /** For the n-th directory the entry that leads to it. */
  readonly entryOfDirectory: number[] = [0];
  /** For every entry the directory (n-th) that it is in. */
  readonly #directoryOfEntry: number[] = [0];
  /** The 256 generated entries are this. */
  readonly stub: Inode;
  /** Whether the image is to say nothing in composefs' own way but where content is: no stubs, whiteouts as they are. */
  readonly raw: boolean;

  /**
   * Orders a tree, which stays as it is.
   *
   * @throws LaminaError (invalid) for a tree that no image can hold: bad names, a directory under two names.
   */
  constructor(root: Inode, raw = false) {
    this.raw = raw;
    if (root.children === null) throw new LaminaError("invalid", "the root is not a directory");
    this.stub = makeStub(root);
    const entries: Inode[] = [root];
    const links = this.#walk(root, entries);
    this.targets = new Int32Array(entries.length);
    /** From every further name of a hard-linked inode to its canonical one. */
    const linkTo = new Map<number, number>();
    for (const [inode, names] of links) {
      const chosen = this.#canonicalEntry(inode, names);
      for (const entry of names) {
        if (entry !== chosen) linkTo.set(entry, chosen);
      }
    }
    for (let entry = 0; entry < entries.length; entry++) {
      if (linkTo.size > 0 && linkTo.has(entry)) continue;
      this.targets[entry] = this.inodes.length;
      this.inodes.push(entries[entry]);
      this.entryOf.push(entry);
    }
    for (const [entry, chosen] of linkTo) this.targets[entry] = this.targets[chosen];
  }

  /** The path of an entry, without leading `/`; the root's is empty. */
  path(entry: number): ByteString {
    return this.#path(entry, "/");
  }

  /** The entry that leads to the directory which the entry is in. */
  parent(entry: number): number {
    return this.entryOfDirectory[this.#directoryOfEntry[entry]];
  }

  /** The error for an inode that no image can hold. */
  error(number: number, reason: string): LaminaError {
    return this.#error(this.entryOf[number], reason);
  }

  /** Lists all entries; returns those of each inode that has several. */
  #walk(root: Inode, entries: Inode[]): Map<Inode, number[]> {
    const seen = new Map<Inode, number>([[root, 0]]);
    const links = new Map<Inode, number[]>();
    const { names } = this;
    const directories = [root];
    for (let d = 0; d < directories.length; d++) {
      const children = directories[d].children!;
      this.firstEntry.push(names.length);
      for (const name of d === 0 && !this.raw ? rootNames(children) : sortedNames(children)) {
        const entry = names.length;
        const inode = children.get(name) ?? this.stub;
        names.push(name);
        entries.push(inode);
        this.#directoryOfEntry.push(d);
        if (!validName(name)) throw this.#error(entry, "its name is not a possible file name");
        if (inode === this.stub) continue;
        const before = seen.get(inode);
        if (before === undefined) {
          seen.set(inode, entry);
          if (inode.children === null) continue;
          directories.push(inode);
          this.entryOfDirectory.push(entry);
        } else if (inode.children !== null) {
          throw this.#error(entry, `the directory is also /${this.path(before)}`);
        } else {
          const all = links.get(inode);
          if (all === undefined) links.set(inode, [before, entry]);
          else all.push(entry);
        }
      }
    }
    this.firstEntry.push(names.length);
    return links;
  }

  /** Which of an inode's entries is the canonical one. */
  #canonicalEntry(inode: Inode, entries: readonly number[]): number {
    let best = -1;
    let bestKey = "";
    for (const entry of entries) {
      if (inode.canonical !== "" && inode.canonical === this.path(entry)) return entry;
      // NUL sorts before every byte of a name: the keys are in the order of a depth-first walk.
      const key = this.#path(entry, "\0");
      if (best < 0 || key < bestKey) {
        best = entry;
        bestKey = key;
      }
    }
    return best;
  }

  #path(entry: number, separator: string): ByteString {
    const parts: ByteString[] = [];
    for (; entry !== 0; entry = this.parent(entry)) parts.push(this.names[entry]);
    return parts.reverse().join(separator);
  }

  #error(entry: number, reason: string): LaminaError {
    return new LaminaError("invalid", `cannot write /${this.path(entry)} into an image: ${reason}`);
  }
}

/** The names in a directory in byte order. */
export function sortedNames(children: Map<ByteString, Inode>): ByteString[] {
  const names = [...children.keys()];
  for (let i = 1; i < names.length; i++) {
    if (names[i - 1] > names[i]) return names.sort();
  }
  return names;
}

/** The same for the root, which has the stubs as well. */
export function rootNames(children: Map<ByteString, Inode>): ByteString[] {
  const names = [...children.keys()];
  for (const name of STUB_NAMES) {
    if (!children.has(name)) names.push(name);
  }
  return names.sort();
}

/** Whether a directory entry can be called so: 1 to 255 bytes, none of them NUL or `/`, not `.` or `..`. */
export function validName(name: ByteString): boolean {
  const length = name.length;
  if (length === 0 || length > 255 || name === "." || name === "..") return false;
  for (let i = 0; i < length; i++) {
    const byte = name.charCodeAt(i);
    if (byte === 0 || byte === 0x2f || byte > 0xff) return false;
  }
  return true;
}

/** Whether a string is a byte string without NUL. */
export function isPlain(text: ByteString): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    if (byte === 0 || byte > 0xff) return false;
  }
  return true;
}

function makeStub(root: Inode): Inode {
  const stub = new Inode(STUB_MODE);
  stub.uid = root.uid;
  stub.gid = root.gid;
  stub.mtime = root.mtime;
  stub.nsec = root.nsec;
  const label = root.xattrs?.get("security.selinux");
  if (label !== undefined) stub.xattrs = new Map([["security.selinux", label]]);
  return stub;
}
