/**
 * One regular file on its way into the target, as a strategy sees it.
 *
 * @module
 */

import {
  check,
  close,
  EMLINK,
  ENODATA,
  ficlone,
  fstat,
  getxattrat,
  linkat,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_WRONLY,
  openat,
  Stat,
  toCString,
  writeAll,
} from "../../linux/mod.ts";
import type { ErofsView } from "../../tree/mod.ts";
import type { FileEntry } from "../plugin.ts";
import type { Counts } from "./counts.ts";
import type { Metadata } from "./metadata.ts";
import { must, PATH_MAX, type WalkPath, withParent } from "./path.ts";
import { copyContent } from "./content.ts";
import type { LayerDirectories, Sources } from "./sources.ts";

const CREATE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** overlayfs' mark of a file without its content. */
const METACOPY = toCString("trusted.overlay.metacopy");
const NOTHING = new Uint8Array();

/**
 * A group of hard links gets no further inode of a layer when that would then have more links than this (ext4's limit; btrfs' and
 * XFS' are higher), so that the group need not be split half-way.
 */
const MOST_LINKS = 65_000;

/** What an entry works with; see {@link builder!BuilderParts}. */
export interface EntryParts {
  readonly view: ErofsView;
  readonly sources: Sources;
  readonly metadata: Metadata;
  readonly counts: Counts;
  readonly native: boolean;
}

/** {@link FileEntry} for {@link Builder}: one object, begun anew for each file. */
export class Entry implements FileEntry {
  directory = -1;
  name: Uint8Array = new Uint8Array(1);
  writable = false;
  #nid = 0;
  /** How many names its inode has in the tree. */
  #names = 1;
  #target = -1;
  #source = -1;
  #linked = false;
  #open: LayerDirectories | undefined;
  readonly #view: ErofsView;
  readonly #sources: Sources;
  readonly #path: WalkPath;
  readonly #counts: Counts;
  readonly #metadata: Metadata;
  readonly #native: boolean;
  readonly #stat = new Stat();

  /** @param path Where the walk is. */
  constructor(parts: EntryParts, path: WalkPath) {
    this.#view = parts.view;
    this.#sources = parts.sources;
    this.#counts = parts.counts;
    this.#metadata = parts.metadata;
    this.#native = parts.native;
    this.#path = path;
  }

  /** Comes to a file, whose inode has so many names in the tree. */
  begin(
    nid: number,
    names: number,
    directory: number,
    name: Uint8Array,
    writable: boolean,
    open: LayerDirectories,
  ): void {
    this.directory = directory;
    this.name = name;
    this.writable = writable;
    this.#nid = nid;
    this.#names = names;
    this.#linked = false;
    this.#open = open;
  }

  get size(): number {
    return this.#view.size(this.#nid);
  }

  /** The file that was created, which has no metadata yet; -1 if it is a link. */
  get made(): number {
    return this.#target;
  }

  /** Whether a strategy did anything about the file. */
  get placed(): boolean {
    return this.#linked || this.#target >= 0;
  }

  /** Closes what is open. */
  end(): void {
    if (this.#source >= 0) close(this.#source);
    if (this.#target >= 0) close(this.#target);
    this.#source = this.#target = -1;
  }

  create(): number {
    if (this.#target < 0) {
      const mode = this.#metadata.createMode(this.#view.mode(this.#nid));
      const fd = openat(this.directory, this.name, CREATE, mode);
      this.#target = check(fd, "create", "");
    }
    return this.#target;
  }

  source(): number {
    if (this.#source >= 0) return this.#source;
    const object = this.#view.object(this.#nid);
    if (object !== null) {
      const fd = this.#sources.openObject(object);
      return this.#source = must(fd, "open object", object);
    }
    const { directory, name } = this.#locate();
    const flags = O_RDONLY | O_NOFOLLOW;
    const fd = withParent(directory, name, (parent, last) => openat(parent, last, flags));
    return this.#source = must(fd, "open in its layer", name);
  }

  copy(): void {
    const target = this.create();
    const { size } = this;
    this.#counts.copied++;
    this.#counts.copiedBytes += size;
    if (size === 0) return;
    const inline = this.#view.inline(this.#nid);
    if (inline !== null) {
      check(writeAll(target, inline), "write", "");
    } else {
      copyContent(target, this.source(), size);
    }
  }

  clone(): void {
    const target = this.create();
    check(ficlone(target, this.source()), "FICLONE", "");
    this.#counts.cloned++;
    this.#counts.clonedBytes += this.size;
  }

  link(): boolean {
    if (!this.#faithful() || this.#hollow() || !this.linkInode()) return false;
    this.#counts.linked++;
    this.#linked = true;
    return true;
  }

  /**
   * Whether the layer's inode has the metadata that a file of this process can have. Files of a store without root's rights are always
   * readable and writable by their owner, never sticky, and have `user.*` xattrs only.
   */
  #faithful(): boolean {
    if (this.#native) return true;
    return (this.#view.mode(this.#nid) & 0o1600) === 0o600 && !this.#view.hasXattrs(this.#nid);
  }

  /** Whether the layer's inode is without its content, which overlayfs would find. */
  #hollow(): boolean {
    if (!this.#sources.mayBeHollow(this.#view.ino(this.#nid))) return false;
    const { directory, name } = this.#locate();
    const result = withParent(
      directory,
      name,
      (at, last) => getxattrat(at, last, METACOPY, NOTHING),
    );
    if (result >= 0) return true;
    if (result !== -ENODATA) must(result, "getxattr in its layer", name);
    return false;
  }

  /** Links the layer's inode, of whatever type; false where it has too many links. */
  linkInode(): boolean {
    const { directory, name } = this.#locate();
    const names = this.#names;
    if (names > 1 && this.#links(directory, name) + names > MOST_LINKS) return false;
    const result = name.length <= PATH_MAX
      ? linkat(directory, name, this.directory, this.name)
      : withParent(directory, name, (at, last) => linkat(at, last, this.directory, this.name));
    if (result === -EMLINK) return false;
    check(result, "link", "");
    return true;
  }

  #links(directory: number, name: Uint8Array): number {
    const flags = O_PATH | O_NOFOLLOW;
    const fd = withParent(directory, name, (parent, last) => openat(parent, last, flags));
    must(fd, "open in its layer", name);
    const result = fstat(fd, this.#stat);
    close(fd);
    must(result, "statx in its layer", name);
    return this.#stat.nlink;
  }

  #locate() {
    return this.#sources.locate(this.#view.ino(this.#nid), this.#open!, this.#path, this.name);
  }
}
