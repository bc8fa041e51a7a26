/**
 * From the entries of a layer's archive to its directory on disk and its tree in memory.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import { check, linkat, removeTree, unlinkat } from "../linux/mod.ts";
import type { TarEntry, TarSink } from "../tar/mod.ts";
import {
  type ByteString,
  Inode,
  isWhiteout,
  makedev,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../tree/inode.ts";
import { must, NameBuffer } from "./cname.ts";
import { ContentWriter } from "./content.ts";
import { type Chain, Directories, display } from "./directories.ts";
import { explain } from "./failure.ts";
import type { DiskForm } from "./form.ts";
import {
  dropForeignMarks,
  isDirectory,
  makePlaceholder,
  makeWhiteout,
  placeholderTarget,
} from "./marks.ts";
import { baseOf, normalizePath, parentOf, purposeOf } from "./names.ts";
import type { Objects } from "./objects.ts";

/** S_IFMT of an entry's type; links are not among them. */
const TYPES: Partial<Record<TarEntry["type"], number>> = {
  file: S_IFREG,
  symlink: S_IFLNK,
  char: S_IFCHR,
  block: S_IFBLK,
  directory: S_IFDIR,
  fifo: S_IFIFO,
};

/** Takes a layer's entries. Errors name the entry; the caller adds the layer. */
export class Unpacker implements TarSink, Disposable {
  readonly directories: Directories;
  readonly content: ContentWriter;
  /** Placeholders of hard links into lower layers, with the paths that they and their targets have. */
  readonly links: { readonly path: ByteString; readonly target: ByteString }[] = [];
  /** Inodes that have got a second name. */
  readonly linked: Set<Inode> = new Set();
  droppedXattrs = 0;
  ignoredEntries = 0;

  readonly #form: DiskForm;
  readonly #limits: Limits;
  readonly #name = new NameBuffer();
  readonly #otherName = new NameBuffer();
  /** Bytes of all files so far. */
  #total = 0;
  // The entry that is being unpacked.
  #path: ByteString = "";
  #file: Inode | undefined;
  #streaming = false;
  #stored = 0;
  #parts: readonly number[] | null = null;

  /** @param fs Descriptor of the empty directory to unpack into; stays the caller's. */
  constructor(fs: number, form: DiskForm, objects: Objects, limits: Limits) {
    this.directories = new Directories(fs, limits.pathDepth);
    this.content = new ContentWriter(form, objects);
    this.#form = form;
    this.#limits = limits;
  }

  entry(entry: TarEntry): void {
    this.#path = entry.name;
    this.#file = undefined;
    this.#guard(() => this.#entry(entry));
  }

  data(bytes: Uint8Array): void {
    const inode = this.#file;
    // Marks may have content; nobody asks for it.
    if (inode === undefined) return;
    // Most files lie in one piece. No closure for them: this is the hot path.
    try {
      if (this.#streaming) return this.content.data(bytes);
      const { fd } = this.directories;
      const name = this.#name.set(baseOf(this.#path));
      if (bytes.length === this.#stored && this.#parts === null) {
        this.content.whole(fd, name, inode, bytes);
        this.#file = undefined;
        return;
      }
      this.content.begin(fd, name, inode, this.#parts);
      this.#streaming = true;
      this.content.data(bytes);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  endEntry(): void {
    const inode = this.#file;
    if (inode === undefined) return;
    this.#guard(() => {
      if (!this.#streaming) {
        // No data came: an empty file, or nothing but a hole.
        const name = this.#name.set(baseOf(this.#path));
        this.content.begin(this.directories.fd, name, inode, this.#parts);
      }
      this.content.end();
    });
    this.#file = undefined;
  }

  /**
   * Says that all entries are there.
   *
   * @throws {LaminaError} `invalid`: a hard link whose target came later.
   */
  end(): void {
    for (const { path, target } of this.links) {
      // Linked in the order of the archive it would be the lower layers' file; no tool that makes layers writes such a thing.
      const found = entryIn(this.directories.find(parentOf(target)), baseOf(target));
      if (found === undefined || placeholderTarget(found) !== undefined) continue;
      this.#path = path;
      throw this.#explain(
        new LaminaError("invalid", `its target ${display(target)} is a later entry of the layer`),
      );
    }
  }

  [Symbol.dispose](): void {
    this.content.abandon();
    this.directories[Symbol.dispose]();
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): LaminaError {
    return explain(error, `entry ${display(this.#path === "" ? "/" : this.#path)}`);
  }

  #entry(entry: TarEntry): void {
    const path = normalizePath(entry.name);
    this.#path = path;
    if (path === "") return this.#root(entry);
    const purpose = purposeOf(path);
    if (purpose.kind === "ignored") {
      this.ignoredEntries++;
      return;
    }
    this.directories.enter(parentOf(path));
    if (purpose.kind === "whiteout") return this.#whiteout(purpose.name);
    if (purpose.kind === "opaque") return void this.directories.opaque.add(this.directories.inode);
    const base = baseOf(path);
    const existing = this.directories.inode.children!.get(base);
    if (entry.type === "directory") return this.#directory(entry, base, existing);
    if (entry.type === "link") return this.#link(entry, base, existing);
    const inode = this.#inode(entry);
    if (existing !== undefined) this.#remove(base, existing);
    this.directories.inode.children!.set(base, inode);
    if (entry.type === "file") this.#beginFile(entry, inode);
    else this.#other(entry, base, inode);
  }

  #root(entry: TarEntry): void {
    if (entry.type !== "directory") {
      throw new LaminaError("invalid", `the layer's root would be a ${entry.type}`);
    }
    const { root, implied } = this.directories;
    this.#setMetadata(root, entry);
    implied.delete(root);
  }

  #directory(entry: TarEntry, base: ByteString, existing: Inode | undefined): void {
    const { directories } = this;
    if (existing !== undefined && isDirectory(existing)) {
      this.#setMetadata(existing, entry);
      directories.implied.delete(existing);
      return;
    }
    const inode = this.#inode(entry);
    if (existing !== undefined) {
      this.#remove(base, existing);
      // What it replaces, a whiteout or a file, has hidden what lower layers have.
      directories.opaque.add(inode);
    }
    directories.inode.children!.set(base, inode);
    directories.make(this.#name.set(base));
  }

  #beginFile(entry: TarEntry, inode: Inode): void {
    inode.size = entry.size;
    this.#total += entry.size;
    if (this.#total > this.#limits.layerBytes) {
      throw limitError(
        "unpacking it",
        `with it the layer's files have ${this.#total} bytes`,
        "layerBytes",
        this.#limits.layerBytes,
      );
    }
    this.#file = inode;
    this.#streaming = false;
    this.#parts = entry.sparse;
    this.#stored = entry.size;
  }

  #other(entry: TarEntry, base: ByteString, inode: Inode): void {
    const { fd } = this.directories;
    const name = this.#name.set(base);
    if (entry.type === "symlink") {
      inode.target = entry.link;
      this.#form.symlink(fd, name, inode, this.#otherName.set(entry.link));
      return;
    }
    if (entry.major > 0xfff || entry.minor > 0xfffff) {
      throw new LaminaError(
        "invalid",
        `device number ${entry.major}:${entry.minor} is beyond what Linux has`,
      );
    }
    inode.rdev = entry.type === "fifo" ? 0 : makedev(entry.major, entry.minor);
    if (isWhiteout(inode)) {
      throw new LaminaError(
        "invalid",
        "a character device with number 0:0 would hide files of lower layers",
        { hint: "Whiteouts are written as .wh.NAME in a layer: make the image again so." },
      );
    }
    this.#form.special(fd, name, inode);
  }

  #link(entry: TarEntry, base: ByteString, existing: Inode | undefined): void {
    const target = normalizePath(entry.link);
    if (target === this.#path) throw new LaminaError("invalid", "it is a hard link to itself");
    if (target === "") throw new LaminaError("invalid", "it is a hard link to the root directory");
    if (purposeOf(target).kind !== "entry") {
      throw new LaminaError("invalid", `it is a hard link to the mark ${display(target)}`);
    }
    if (existing !== undefined && isDirectory(existing) && target.startsWith(`${this.#path}/`)) {
      throw new LaminaError(
        "invalid",
        `it would replace the directory that its target ${display(target)} is in`,
      );
    }
    const chain = this.directories.find(parentOf(target));
    const found = entryIn(chain, baseOf(target));
    if (found !== undefined && isDirectory(found)) {
      throw new LaminaError(
        "invalid",
        `it is a hard link to the directory ${display(target)}`,
      );
    }
    if (found !== undefined && found === existing) return;
    if (existing !== undefined) this.#remove(base, existing);
    const { children } = this.directories.inode;
    const below = found === undefined ? target : placeholderTarget(found);
    if (below !== undefined) {
      // No file on disk: what is linked is in a lower layer, even if this layer hides it there; merging finds it.
      children!.set(base, makePlaceholder(below));
      this.links.push({ path: this.#path, target: below });
      return;
    }
    const from = this.directories.open(chain!);
    const name = this.#otherName.set(baseOf(target));
    const r = linkat(from, name, this.directories.fd, this.#name.set(base));
    if (r < 0) check(r, "link", `${display(target)} to it`);
    children!.set(base, found!);
    this.linked.add(found!);
  }

  #whiteout(base: ByteString): void {
    const { directories } = this;
    const parent = directories.inode;
    const existing = parent.children!.get(base);
    if (existing === undefined) {
      parent.children!.set(base, makeWhiteout());
      this.#form.whiteout(directories.fd, this.#name.set(base), parent);
    } else if (isDirectory(existing)) {
      // The layer's own entry stays; what lower layers have in it goes.
      directories.opaque.add(existing);
      directories.implied.delete(existing);
    }
  }

  /** Removes what has the name so far, for another entry of the same layer. */
  #remove(base: ByteString, existing: Inode): void {
    const { directories } = this;
    directories.inode.children!.delete(base);
    const name = this.#name.set(base);
    if (isDirectory(existing)) {
      removeTree(directories.fd, name);
    } else if (placeholderTarget(existing) === undefined) {
      must(unlinkat(directories.fd, name), "unlink", name);
    }
  }

  #inode(entry: TarEntry): Inode {
    const inode = new Inode(TYPES[entry.type]!);
    this.#setMetadata(inode, entry);
    return inode;
  }

  #setMetadata(inode: Inode, entry: TarEntry): void {
    const type = inode.mode & S_IFMT;
    // A symbolic link has no permissions of its own.
    inode.mode = type | (type === S_IFLNK ? 0o777 : entry.mode);
    inode.uid = entry.uid;
    inode.gid = entry.gid;
    inode.mtime = entry.mtime;
    inode.nsec = entry.nsec;
    inode.xattrs = entry.xattrs;
    if (entry.xattrs === null) return;
    this.droppedXattrs += dropForeignMarks(entry.xattrs, type);
    if (entry.xattrs.size === 0) inode.xattrs = null;
  }
}

/** A layer's own entry of a name; a whiteout is none. */
function entryIn(chain: Chain | undefined, name: ByteString): Inode | undefined {
  const found = chain?.inodes.at(-1)?.children?.get(name);
  return found === undefined || isWhiteout(found) ? undefined : found;
}
