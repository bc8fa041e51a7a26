/**
 * What the disk gets back when parts of a store go: counted before, on what is to go, at a cost that grows with that alone.
 *
 * An inode is freed when all its names go. A content that files share by their extents is freed with its object, which goes with the last
 * layer that uses it; the files beside it free nothing.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  EXT4_SUPER_MAGIC,
  Fd,
  fiemap,
  FIEMAP_EXTENT_SHARED,
  fstat,
  fstatfs,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  Stat,
  statx,
} from "../../linux/mod.ts";
import { S_IFDIR, S_IFMT, S_IFREG } from "../../tree/mod.ts";
import { listDirectory, readIfThere } from "../atomic.ts";
import type { Layout } from "../layout.ts";
import { contentsOf } from "./contents.ts";
import { isCounted } from "./leftovers.ts";
import { inodeBytes } from "../usage/metadata.ts";
import { allocated, walk } from "../walk.ts";

/** What goes with one layer. */
export interface FreedLayer {
  /** Bytes of its own: files, directories and its index, without what others still need. */
  readonly bytes: number;
  /** Bytes of contents that it had no file of, and was the last to use. */
  readonly sharedBytes: number;
  /** How many objects go with it. */
  readonly objects: number;
}

/** An inode with several names. */
interface Linked {
  /** Names that are not known to go. */
  left: number;
  /** Bytes on disk, and what of them other files share. */
  readonly bytes: number;
  shared: number;
  /** Whether one of its names is that of an object. */
  object: boolean;
}

/** Names an inode: a number on the store's own device. */
type Key = number | string;

/** Counts what is freed; things are added in the order in which they go. */
export class Freed implements Disposable {
  readonly #objects: Fd;
  readonly #stat = new Stat();
  readonly #linked = new Map<Key, Linked>();
  readonly #major: number;
  readonly #minor: number;
  /** Else nobody knows which objects go, and none of them is counted. */
  readonly #counted: boolean;
  /** Bytes of an inode itself. */
  readonly #each: number;
  /** Whether files may share extents. */
  #extents: boolean;

  /** @throws {SysError} */
  constructor(layout: Layout) {
    this.#objects = Fd.open(layout.objects, O_RDONLY | O_DIRECTORY);
    this.#counted = isCounted(layout);
    const { type } = fstatfs(this.#objects.n);
    this.#extents = type !== EXT4_SUPER_MAGIC;
    this.#each = inodeBytes(this.#objects.n, type);
    fstat(this.#objects.n, this.#stat);
    this.#major = this.#stat.devMajor;
    this.#minor = this.#stat.devMinor;
  }

  /** Adds a file or a directory with all that is in it. Returns the bytes that are freed. */
  add(path: string): number {
    const touched = new Set<Key>();
    const bytes = this.#walk(path, touched);
    return bytes + this.#complete(touched).reduce((sum, [, inode]) => sum + freedOf(inode), 0);
  }

  /** Adds a layer's directory. */
  addLayer(path: string): FreedLayer {
    const own = new Set<Key>();
    let bytes = 0;
    for (const name of listDirectory(path)) {
      if (name !== "links") bytes += this.#walk(`${path}/${name}`, own);
    }
    const touched = new Set(own);
    bytes += this.#walk(`${path}/links`, touched);
    const index = readIfThere(`${path}/index.erofs`);
    for (const payload of index === undefined ? [] : contentsOf(index)) {
      this.#object(payload, touched);
    }
    let sharedBytes = 0;
    let objects = 0;
    for (const [key, inode] of this.#complete(touched)) {
      if (inode.object) objects++;
      if (own.has(key)) bytes += freedOf(inode);
      else sharedBytes += freedOf(inode);
    }
    return { bytes, sharedBytes, objects };
  }

  /**
   * Counts an object's own name, with the first layer that uses it: it goes with the last one. So do those beside it that have all the links
   * that they can have, each with its own layers.
   */
  #object(payload: string, touched: Set<Key>): void {
    for (let name = payload, n = 1; this.#objectName(name, touched); n++) name = `${payload}.${n}`;
  }

  /** Returns whether there is an object of this name. */
  #objectName(name: string, touched: Set<Key>): boolean {
    if (statx(this.#objects.n, name, AT_SYMLINK_NOFOLLOW, this.#stat) < 0) return false;
    const key = this.#key(this.#stat);
    touched.add(key);
    const inode = this.#inode(key, this.#stat);
    if (inode.object || !this.#counted) return true;
    inode.object = true;
    inode.left--;
    return true;
  }

  /** Adds names. Returns the bytes of inodes that have no other. */
  #walk(path: string, touched: Set<Key>): number {
    let bytes = 0;
    walk(path, (dir, name, stat) => {
      if ((stat.mode & S_IFMT) === S_IFDIR) bytes += this.#bytes(stat);
      else if (stat.nlink === 1) bytes += this.#bytes(stat) - this.#shared(dir, name, stat);
      else {
        const key = this.#key(stat);
        const fresh = !this.#linked.has(key);
        const inode = this.#inode(key, stat);
        if (fresh) inode.shared = this.#shared(dir, name, stat);
        inode.left--;
        touched.add(key);
      }
    });
    return bytes;
  }

  #inode(key: Key, stat: Stat): Linked {
    let inode = this.#linked.get(key);
    if (inode === undefined) {
      inode = { left: stat.nlink, bytes: this.#bytes(stat), shared: 0, object: false };
      this.#linked.set(key, inode);
    }
    return inode;
  }

  /** Of some inodes, those of which all names go. */
  #complete(touched: ReadonlySet<Key>): [Key, Linked][] {
    const complete: [Key, Linked][] = [];
    for (const key of touched) {
      const inode = this.#linked.get(key)!;
      if (inode.left > 0) continue;
      complete.push([key, inode]);
      this.#linked.delete(key);
    }
    return complete;
  }

  /** Bytes that a file shares with others. */
  #shared(dir: number, name: Uint8Array, stat: Stat): number {
    const bytes = allocated(stat);
    if (!this.#extents || bytes === 0 || (stat.mode & S_IFMT) !== S_IFREG) return 0;
    const n = openat(dir, name, O_RDONLY | O_NOFOLLOW);
    if (n < 0) return 0;
    using file = Fd.adopt(n);
    let shared = 0;
    const r = fiemap(file.n, (_, length, flags) => {
      if ((flags & FIEMAP_EXTENT_SHARED) !== 0) shared += length;
    });
    // Where it cannot be asked, nothing is shared either.
    if (r < 0) this.#extents = false;
    return Math.min(bytes, shared);
  }

  #bytes(stat: Stat): number {
    return allocated(stat) + this.#each;
  }

  #key(stat: Stat): Key {
    const here = stat.devMajor === this.#major && stat.devMinor === this.#minor;
    return here ? stat.ino : `${stat.devMajor}:${stat.devMinor}:${stat.ino}`;
  }

  [Symbol.dispose](): void {
    this.#objects[Symbol.dispose]();
  }
}

/** What is freed with an inode. An object takes along what it shares: those that share it are files beside it, of layers that went. */
function freedOf({ object, bytes, shared }: Linked): number {
  return object ? bytes : bytes - shared;
}
