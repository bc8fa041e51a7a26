/**
 * Where a layer's entries stand: in its tree, by their paths, and on disk, below descriptors.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  Stat,
  statx,
  toCString,
} from "../../../linux/mod.ts";
import type { ByteString, Inode } from "../../../tree/mod.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** The directory that an entry is in; empty for the root's own. */
export function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/** The entries of one layer. Paths are those in the layer, without slashes at their ends; empty for its root. */
export class LayerPlaces {
  readonly #directory: string;
  readonly #root: Inode;
  readonly #stat = new Stat();
  /** All paths of inodes that have several. */
  readonly #paths = new Map<Inode, ByteString[]>();

  /**
   * @param directory The layer's directory, `fs/`.
   * @param root Its tree.
   */
  constructor(directory: string, root: Inode) {
    this.#directory = directory;
    this.#root = root;
    this.#collectPaths(root, "");
  }

  /** What the layer has at a path. */
  inode(path: ByteString): Inode | undefined {
    let inode: Inode | undefined = this.#root;
    if (path === "") return inode;
    for (const name of path.split("/")) inode = inode?.children?.get(name);
    return inode;
  }

  /** All paths of an inode of which one is known. */
  names(inode: Inode, path: ByteString): readonly ByteString[] {
    return this.#paths.get(inode) ?? [path];
  }

  /** Runs something in the directory of a path; false where that is missing itself. */
  in(path: ByteString, run: (dir: number, name: Uint8Array) => boolean): boolean {
    const directory = this.#open(parentOf(path));
    if (directory === undefined) return false;
    using fd = directory;
    return run(fd.n, toCString(path.slice(path.lastIndexOf("/") + 1)));
  }

  /** Whether all names of an inode are of one on disk, as far as they are there. */
  isOne(inode: Inode): boolean {
    const inodes = (this.#paths.get(inode) ?? []).map((path) => {
      let ino = 0;
      this.in(path, (dir, name) => {
        if (statx(dir, name, AT_SYMLINK_NOFOLLOW, this.#stat) === 0) ino = this.#stat.ino;
        return true;
      });
      return ino;
    });
    return new Set(inodes).size <= 1;
  }

  #open(path: ByteString): Fd | undefined {
    try {
      let fd = Fd.open(this.#directory, DIRECTORY);
      for (const name of path === "" ? [] : path.split("/")) {
        using above = fd;
        fd = Fd.openat(above.n, toCString(name), DIRECTORY);
      }
      return fd;
    } catch {
      // It is to be restored itself, and this with it.
      return undefined;
    }
  }

  #collectPaths(directory: Inode, prefix: ByteString): void {
    for (const [name, inode] of directory.children!) {
      if (inode.children !== null) this.#collectPaths(inode, `${prefix}${name}/`);
      else if (inode.nlink > 1) {
        this.#paths.set(inode, [...this.#paths.get(inode) ?? [], prefix + name]);
      }
    }
  }
}
