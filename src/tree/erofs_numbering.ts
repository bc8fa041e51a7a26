/**
 * The order of a composefs image: which inodes there are, their numbers, and what every directory holds.
 *
 * Inodes are numbered breadth-first, directory entries in byte order; a hard-linked inode where its canonical name
 * stands. The root (number 0) also gets the 256 stubs, unless the image is raw.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { ByteStrings, doubled } from "./byte_strings.ts";
import { directorySize } from "./erofs_directory.ts";
import { STUB_MODE, STUB_NAMES } from "./erofs_format.ts";
import { Impossible, Inodes, WHITEOUT } from "./erofs_inodes.ts";
import { type ByteString, Inode, S_IFDIR, S_IFMT } from "./inode.ts";
import type { TreeSource } from "./source.ts";

/** A tree in the order of its image. */
export class Numbering {
  /** Number of inodes; each has a number (`i_ino`) less than that. */
  count = 0;
  /** The inodes, by their places. The stubs are one. */
  readonly inodes: Inodes;
  /** The place of every inode in {@link inodes}, by its number. */
  readonly places: Uint32Array;
  /** The (canonical) entry of every inode, by its number. */
  readonly entryOf: Uint32Array;
  /** The name of every entry: directory after directory, each in byte order. */
  readonly names: ByteStrings;
  /** The number of the inode that an entry leads to. Entry 0 is the root itself. */
  targets: Uint32Array;
  /** For the n-th directory (in order of their numbers) its first entry; one more at the end. */
  readonly firstEntry: number[] = [];
  /** For the n-th directory the entry that leads to it. */
  readonly entryOfDirectory: number[] = [0];
  /** How many entries are stubs. */
  stubs = 0;
  /** Directories that hold whiteouts, by number. */
  readonly whiteoutParents = new Set<number>();
  /** For every entry the directory (n-th) that it is in. */
  #directoryOfEntry: Uint32Array;
  /** Whether the image is to say nothing in composefs' own way but where content is: no stubs, whiteouts as they are. */
  readonly raw: boolean;

  /**
   * Orders a tree.
   *
   * @param visit Given every inode that is no stub once, with its place.
   * @throws LaminaError (invalid) for a tree that no image can hold: bad names, a directory under two names, an impossible inode.
   */
  constructor(
    source: TreeSource,
    raw = false,
    visit: (inode: Inode, place: number) => void = () => {},
  ) {
    this.raw = raw;
    const { root } = source;
    if (root.children === null) throw new LaminaError("invalid", "the root is not a directory");
    const most = source.inodes + (raw ? 0 : STUB_NAMES.length);
    this.inodes = new Inodes(most, raw);
    this.names = new ByteStrings(most);
    this.targets = new Uint32Array(most);
    this.#directoryOfEntry = new Uint32Array(most);
    this.places = new Uint32Array(most);
    this.entryOf = new Uint32Array(most);
    const links = this.#walk(source, visit);
    /** From every further name of a hard-linked inode to its canonical one. */
    const linkTo = new Map<number, number>();
    for (const [inode, names] of links) {
      const chosen = this.#canonicalEntry(inode, names);
      for (const entry of names) {
        if (entry !== chosen) linkTo.set(entry, chosen);
      }
    }
    const { kinds } = this.inodes;
    let whiteouts = false;
    for (let entry = 0; entry < this.names.length; entry++) {
      if (linkTo.size > 0 && linkTo.has(entry)) continue;
      const place = this.targets[entry];
      if (kinds[place] === WHITEOUT) whiteouts = true;
      this.places[this.count] = place;
      this.entryOf[this.count] = entry;
      this.targets[entry] = this.count++;
    }
    for (const [entry, chosen] of linkTo) this.targets[entry] = this.targets[chosen];
    if (whiteouts) this.#findWhiteoutParents();
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

  /** Lists all entries, with the inodes' places for targets; returns the entries of each inode that has several. */
  #walk(
    source: TreeSource,
    visit: (inode: Inode, place: number) => void,
  ): Map<Inode, number[]> {
    const { inodes, names } = this;
    const { root, counts } = source;
    const seen = new Map<Inode, number>([[root, 0]]);
    const links = new Map<Inode, number[]>();
    const stub = makeStub(root);
    let stubPlace = -1;
    const add = (inode: Inode, entry: number): void => {
      try {
        this.targets[entry] = inodes.add(inode, inode === stub);
      } catch (error) {
        throw error instanceof Impossible ? this.#error(entry, error.message) : error;
      }
      if (inode !== stub) visit(inode, this.targets[entry]);
    };
    names.push("");
    add(root, 0);
    // Those that are done are let go.
    const directories: (Inode | undefined)[] = [root];
    for (let d = 0; d < directories.length; d++) {
      const directory = directories[d]!;
      directories[d] = undefined;
      const place = this.targets[this.entryOfDirectory[d]];
      const entries = source.entries(directory);
      this.firstEntry.push(names.length);
      const ordered = d === 0 && !this.raw ? rootNames(entries) : sortedNames(entries);
      for (const name of ordered) {
        const entry = names.length;
        const inode = entries.get(name) ?? stub;
        if (!validName(name)) {
          const above = this.path(this.entryOfDirectory[d]);
          const path = above === "" ? name : `${above}/${name}`;
          throw cannotWrite(path, "its name is not a possible file name");
        }
        names.push(name);
        if (entry === this.targets.length) this.#grow();
        this.#directoryOfEntry[entry] = d;
        if (inode === stub) {
          if (stubPlace < 0) {
            add(stub, entry);
            stubPlace = this.targets[entry];
          }
          this.targets[entry] = stubPlace;
          this.stubs++;
          continue;
        }
        const isDirectory = (inode.mode & S_IFMT) === S_IFDIR;
        const single = counts && !isDirectory && inode.nlink <= 1;
        const before = single ? undefined : seen.get(inode);
        if (before === undefined) {
          add(inode, entry);
          if (!single && !(counts && isDirectory)) seen.set(inode, entry);
          if (isDirectory) {
            directories.push(inode);
            this.entryOfDirectory.push(entry);
            inodes.nlinks[place]++;
          } else if (counts) inodes.nlinks[this.targets[entry]] = 1;
        } else if (isDirectory) {
          throw this.#error(entry, `the directory is also /${this.path(before)}`);
        } else {
          this.targets[entry] = this.targets[before];
          if (counts) inodes.nlinks[this.targets[entry]]++;
          const all = links.get(inode);
          if (all === undefined) links.set(inode, [before, entry]);
          else all.push(entry);
        }
      }
      inodes.sizes[place] = directorySize(ordered, 0, ordered.length);
    }
    this.firstEntry.push(names.length);
    return links;
  }

  /** Makes room for more entries, as hard links are more than their inodes. */
  #grow(): void {
    this.targets = doubled(this.targets);
    this.#directoryOfEntry = doubled(this.#directoryOfEntry);
  }

  #findWhiteoutParents(): void {
    for (let n = 0; n < this.count; n++) {
      if (this.inodes.kinds[this.places[n]] !== WHITEOUT) continue;
      this.whiteoutParents.add(this.targets[this.parent(this.entryOf[n])]);
    }
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
    for (; entry !== 0; entry = this.parent(entry)) parts.push(this.names.text(entry));
    return parts.reverse().join(separator);
  }

  #error(entry: number, reason: string): LaminaError {
    return cannotWrite(this.path(entry), reason);
  }
}

function cannotWrite(path: ByteString, reason: string): LaminaError {
  return new LaminaError("invalid", `cannot write /${path} into an image: ${reason}`);
}

/** The names in a directory in byte order. */
export function sortedNames(children: ReadonlyMap<ByteString, Inode>): ByteString[] {
  const names = [...children.keys()];
  for (let i = 1; i < names.length; i++) {
    if (names[i - 1] > names[i]) return names.sort();
  }
  return names;
}

/** The same for the root, which has the stubs as well. */
export function rootNames(children: ReadonlyMap<ByteString, Inode>): ByteString[] {
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
