/**
 * Files of a stored layer that have a content for themselves although the store has it as an object: from before it was shared, or from a
 * filesystem that could not.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  Fd,
  fiemap,
  FIEMAP_EXTENT_DATA_INLINE,
  FIEMAP_EXTENT_SHARED,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  Stat,
  statx,
} from "../linux/mod.ts";
import { type ByteString, type Inode, S_IFDIR, S_IFMT } from "../tree/inode.ts";
import { must, NameBuffer } from "./cname.ts";

/** A file with a content for itself. */
export interface OwnContent {
  /** Its inode number. */
  readonly ino: number;
  /** Its first path below the layer's directory. */
  readonly path: ByteString;
  /** What it is by the layer's index. */
  readonly inode: Inode;
  /** Inode number of the object. */
  readonly object: number;
  /** Bytes on disk that no other file has. */
  readonly bytes: number;
  /** Names that it has in the layer, and in all. */
  names: number;
  readonly nlink: number;
}

/**
 * Finds them.
 *
 * @param fs Path of the layer's directory `fs/`.
 * @param root Its tree, by the index.
 * @param objects Descriptor of the directory of objects.
 * @throws {SysError}
 */
export function ownContents(fs: string, root: Inode, objects: number): OwnContent[] {
  using directory = Fd.open(fs, O_RDONLY | O_DIRECTORY);
  const search = new Search(objects);
  search.directory(directory.n, root, "");
  return [...search.found.values()];
}

class Search {
  readonly found = new Map<number, OwnContent>();
  readonly #objects: number;
  readonly #name = new NameBuffer();
  readonly #payload = new NameBuffer();
  readonly #stat = new Stat();

  constructor(objects: number) {
    this.#objects = objects;
  }

  directory(fd: number, directory: Inode, path: ByteString): void {
    for (const [name, child] of directory.children!) {
      if ((child.mode & S_IFMT) === S_IFDIR) {
        const n = openat(fd, this.#name.set(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        using below = Fd.adopt(must(n, "open", this.#name.set(name)));
        this.directory(below.n, child, `${path}${name}/`);
      } else if (child.payload !== "") {
        this.#file(fd, path + name, this.#name.set(name), child);
      }
    }
  }

  #file(dir: number, path: ByteString, name: Uint8Array, inode: Inode): void {
    const stat = this.#stat;
    if (statx(dir, name, AT_SYMLINK_NOFOLLOW, stat) < 0) return;
    const { ino, nlink, blocks, size } = stat;
    const known = this.found.get(ino);
    if (known !== undefined) return void known.names++;
    // One without blocks has its content elsewhere already. What somebody has cut or lengthened is not for sharing.
    if (blocks === 0 || size !== inode.size) return;
    if (statx(this.#objects, this.#payload.set(inode.payload), AT_SYMLINK_NOFOLLOW, stat) < 0) {
      return;
    }
    const object = stat.ino;
    if (object === ino || stat.size !== size) return;
    const bytes = this.#ownBytes(dir, name, blocks * 512);
    if (bytes > 0) this.found.set(ino, { ino, path, inode, object, bytes, names: 1, nlink });
  }

  /** Bytes that a file shares with no other. */
  #ownBytes(dir: number, name: Uint8Array, allocated: number): number {
    const n = openat(dir, name, O_RDONLY | O_NOFOLLOW);
    if (n < 0) return 0;
    using file = Fd.adopt(n);
    let own = 0;
    const r = fiemap(file.n, (_, length, flags) => {
      // A content in the filesystem's metadata cannot be shared.
      if ((flags & (FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_DATA_INLINE)) === 0) own += length;
    });
    return r < 0 ? allocated : own;
  }
}
