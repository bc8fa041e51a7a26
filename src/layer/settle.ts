/**
 * The last walk over an unpacked layer, once it is verified and durable: objects, directories' metadata.
 *
 * @module
 */

import { Fd, O_DIRECTORY, O_NOFOLLOW, O_RDONLY, O_WRONLY, unlinkat } from "../linux/mod.ts";
import { DigestTable } from "../tree/digest_table.ts";
import type { ByteString, Inode } from "../tree/inode.ts";
import { must, NameBuffer } from "./cname.ts";
import type { Completed } from "./complete.ts";
import type { ContentWriter } from "./content.ts";
import { display } from "./directories.ts";
import { explain } from "./failure.ts";
import type { DiskForm } from "./form.ts";
import { isDirectory } from "./marks.ts";
import type { Objects } from "./objects.ts";

/**
 * Makes objects of the layer's files, shares what is in it twice, and sets directories' metadata: children first, since making
 * entries changes times.
 *
 * Must run only when the layer is what its digests say: from here on others share its content.
 *
 * @param fs Descriptor of the layer's directory.
 * @param root Its tree, completed.
 * @param useless Names to be removed from directories: {@link Completed.useless}.
 * @param content What wrote the files: it knows whose content is shared already.
 * @returns Bytes of content that share their place on disk with what was there before.
 * @throws {LaminaError} With the path.
 */
export function settle(
  fs: number,
  root: Inode,
  useless: Completed["useless"],
  content: ContentWriter,
  form: DiskForm,
  objects: Objects,
): number {
  return new Walk(useless, content, form, objects).run(fs, root);
}

class Walk {
  readonly #useless: Completed["useless"];
  readonly #content: ContentWriter;
  readonly #form: DiskForm;
  readonly #objects: Objects;
  readonly #name = new NameBuffer();
  /** Contents of which the layer has made the object, or found it made. */
  readonly #holders = new DigestTable();
  /** Inodes that have been here. Only those with several names can come again. */
  readonly #seen = new Set<Inode>();
  #path: ByteString = "";
  #sharedBytes = 0;

  constructor(
    useless: Completed["useless"],
    content: ContentWriter,
    form: DiskForm,
    objects: Objects,
  ) {
    this.#useless = useless;
    this.#content = content;
    this.#form = form;
    this.#objects = objects;
  }

  run(fs: number, tree: Inode): number {
    try {
      using root = Fd.openat(fs, ".", O_RDONLY | O_DIRECTORY);
      this.#directory(tree, root.n, "");
    } catch (error) {
      throw explain(error, `entry ${this.#path === "" ? "/" : display(this.#path)}`);
    }
    return this.#sharedBytes;
  }

  #directory(directory: Inode, fd: number, path: ByteString): void {
    const prefix = path === "" ? "" : `${path}/`;
    for (const [name, child] of directory.children!) {
      this.#path = prefix + name;
      if (isDirectory(child)) {
        using below = Fd.openat(fd, this.#name.set(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        this.#directory(child, below.n, this.#path);
      } else if (child.isObject) {
        this.#file(fd, name, child);
      }
    }
    for (const name of this.#useless.get(directory) ?? []) {
      this.#path = prefix + name;
      const bytes = this.#name.set(name);
      must(unlinkat(fd, bytes), "unlink", bytes);
    }
    this.#path = path;
    this.#form.directory(fd, directory);
  }

  #file(dir: number, name: ByteString, inode: Inode): void {
    if (inode.nlink > 1) {
      if (this.#seen.has(inode)) return;
      this.#seen.add(inode);
    }
    if (this.#content.shared.has(inode)) {
      this.#sharedBytes += inode.size;
      return;
    }
    const bytes = this.#name.set(name);
    const held = this.#holders.length;
    if (this.#holders.add(inode.digest!) === held) {
      if (this.#objects.link(dir, bytes, inode.payload)) return;
    }
    // The layer has this content twice, or another one brought it just now.
    if (!this.#objects.shares) return void this.#objects.count(inode.payload);
    using file = Fd.openat(dir, bytes, O_WRONLY | O_NOFOLLOW);
    if (this.#objects.share(file.n, inode, true)) this.#sharedBytes += inode.size;
    else this.#objects.count(inode.payload);
    // The times, and capabilities, which a write takes away.
    this.#form.file(file.n, inode);
  }
}
