/**
 * The last walk over an unpacked layer, once it is verified: objects, directories' metadata, marks, link counts.
 *
 * @module
 */

import {
  check,
  displayPath,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  unlinkat,
} from "../linux/mod.ts";
import { type ByteString, type Inode, isWhiteout } from "../tree/inode.ts";
import { IMPLIED, OPAQUE } from "../tree/marks.ts";
import { NameBuffer } from "./cname.ts";
import { display } from "./directories.ts";
import { explain } from "./failure.ts";
import type { DiskForm } from "./form.ts";
import { EMPTY_VALUE, isDirectory, OPAQUE_VALUE, setXattr } from "./marks.ts";
import type { Objects } from "./objects.ts";
import type { Unpacker } from "./unpacker.ts";

/** What the walk counts. */
export interface Settled {
  /** Names, the root among them. */
  readonly entries: number;
  /** Bytes of content, each inode once. */
  readonly fileBytes: number;
  /** Of these, bytes that share their place on disk. */
  readonly sharedBytes: number;
}

/**
 * Makes objects of the layer's files, shares what is in it twice, sets directories' metadata (children first, since making
 * entries changes times), puts the index's marks into the tree and counts links.
 *
 * Must run only when the layer is what its digests say: from here on others share its content.
 *
 * @param fs Descriptor of the layer's directory.
 * @throws {LaminaError} With the path.
 */
export function settle(
  fs: number,
  unpacker: Unpacker,
  form: DiskForm,
  objects: Objects,
): Settled {
  // A link to content that a power failure then takes away would be an object with wrong content, for others to share.
  objects.sync();
  return new Walk(unpacker, form, objects).run(fs);
}

class Walk {
  readonly #unpacker: Unpacker;
  readonly #form: DiskForm;
  readonly #objects: Objects;
  readonly #name = new NameBuffer();
  /** Which of the layer's inodes holds the content of an object. */
  readonly #holders = new Map<ByteString, Inode>();
  readonly #seen = new Set<Inode>();
  #path: ByteString = "";
  #entries = 1;
  #fileBytes = 0;
  #sharedBytes = 0;

  constructor(unpacker: Unpacker, form: DiskForm, objects: Objects) {
    this.#unpacker = unpacker;
    this.#form = form;
    this.#objects = objects;
  }

  run(fs: number): Settled {
    try {
      using root = Fd.openat(fs, ".", O_RDONLY | O_DIRECTORY);
      this.#directory(this.#unpacker.directories.root, root.n, "");
    } catch (error) {
      throw explain(error, `entry ${this.#path === "" ? "/" : display(this.#path)}`);
    }
    return {
      entries: this.#entries,
      fileBytes: this.#fileBytes,
      sharedBytes: this.#sharedBytes,
    };
  }

  #directory(directory: Inode, fd: number, path: ByteString): void {
    const { opaque, implied } = this.#unpacker.directories;
    const isOpaque = opaque.has(directory);
    const prefix = path === "" ? "" : `${path}/`;
    for (const [name, child] of directory.children!) {
      this.#path = prefix + name;
      if (isOpaque && isWhiteout(child)) {
        // Nothing is left for it to hide, and overlayfs would list it in a directory that it merges with nothing.
        const bytes = this.#name.set(name);
        check(unlinkat(fd, bytes), "unlink", displayPath(bytes));
        directory.children!.delete(name);
        continue;
      }
      this.#entries++;
      if (isDirectory(child)) {
        using below = Fd.openat(fd, this.#name.set(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        this.#directory(child, below.n, this.#path);
      } else {
        this.#file(fd, name, child);
      }
    }
    this.#path = path;
    this.#form.directory(fd, directory, { opaque: isOpaque });
    if (isOpaque) setXattr(directory, OPAQUE, OPAQUE_VALUE);
    if (implied.has(directory)) setXattr(directory, IMPLIED, EMPTY_VALUE);
  }

  #file(dir: number, name: ByteString, inode: Inode): void {
    if (this.#seen.has(inode)) {
      inode.nlink++;
      return;
    }
    this.#seen.add(inode);
    this.#fileBytes += inode.size;
    if (inode.digest === null) return;
    if (this.#unpacker.content.shared.has(inode)) {
      this.#sharedBytes += inode.size;
      return;
    }
    const bytes = this.#name.set(name);
    const first = this.#holders.get(inode.payload);
    if (first === undefined) {
      this.#holders.set(inode.payload, inode);
      if (this.#objects.link(dir, bytes, inode.payload)) return;
    }
    // The layer has this content twice, or another one brought it just now.
    if (!this.#objects.worthSharing(inode.size)) return;
    using file = Fd.openat(dir, bytes, O_WRONLY | O_NOFOLLOW);
    if (this.#objects.replaceByClone(file.n, inode.payload, inode.size)) {
      this.#sharedBytes += inode.size;
    }
    // The times, and capabilities, which a write takes away.
    this.#form.file(file.n, inode);
  }
}
