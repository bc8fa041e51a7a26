/**
 * Disk space by the filesystem's own words: st_blocks of every inode once, and of extents that files share (FS_IOC_FIEMAP) each once.
 *
 * @module
 */

import {
  EOPNOTSUPP,
  EXT4_SUPER_MAGIC,
  Fd,
  fiemap,
  FIEMAP_EXTENT_DATA_INLINE,
  FIEMAP_EXTENT_ENCODED,
  FIEMAP_EXTENT_SHARED,
  fstatfs,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  type Stat,
  TMPFS_MAGIC,
} from "../../linux/mod.ts";
import { S_IFDIR, S_IFMT, S_IFREG } from "../../tree/mod.ts";
import { listDirectory } from "../atomic.ts";
import type { Layout } from "../layout.ts";
import { allocated, walk } from "../walk.ts";
import { Extents } from "./extents.ts";
import { Metadata, type MetadataModel } from "./metadata.ts";

/** What an inode takes. */
export interface InodeBytes {
  /** Bytes that only it has. */
  readonly own: number;
  /** Bytes that it shares with other files. */
  readonly shared: number;
}

/** Names an inode: a number on the device that is looked at, else a text. */
export type InodeKey = number | string;

/** Counts what is on one filesystem. */
export class Disk {
  readonly #extents = new Extents();
  readonly #seen = new Set<InodeKey>();
  readonly #metadata: Metadata;
  readonly #device: { major: number; minor: number };
  #own = 0;
  #inodes = 0;
  #fiemap: boolean;
  #shares = false;
  #encoded = 0;
  /** Whether what was looked at last has its content in the metadata. */
  #inline = false;

  /**
   * @param path A directory of the filesystem.
   * @throws {SysError}
   */
  constructor(path: string) {
    using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
    const { type } = fstatfs(directory.n);
    this.#metadata = new Metadata(directory.n, type);
    // These share no extents, so that there is nothing to ask.
    this.#fiemap = type !== EXT4_SUPER_MAGIC && type !== TMPFS_MAGIC;
    this.#device = { major: -1, minor: -1 };
  }

  /** All of a store, in bytes. */
  static bytesOf(layout: Layout): number {
    const disk = new Disk(layout.root);
    for (const name of listDirectory(layout.root)) disk.add(`${layout.root}/${name}`);
    return disk.bytes;
  }

  /** Adds a file or directory with all that is below it. */
  add(path: string): void {
    walk(path, (dir, name, stat) => void this.inode(dir, name, stat));
  }

  /**
   * Adds one name.
   *
   * @returns What its inode takes; undefined where the inode was added before.
   */
  inode(dir: number, name: Uint8Array, stat: Stat): InodeBytes | undefined {
    const directory = (stat.mode & S_IFMT) === S_IFDIR;
    this.#metadata.name(name);
    if (!directory && stat.nlink > 1) {
      const key = this.key(stat);
      if (this.#seen.has(key)) return undefined;
      this.#seen.add(key);
    }
    this.#inodes++;
    const bytes = allocated(stat);
    this.#metadata.inode(stat);
    const regular = (stat.mode & S_IFMT) === S_IFREG;
    this.#inline = false;
    const shared = regular && bytes > 0 && this.#fiemap ? this.#sharedOf(dir, name) : 0;
    if (this.#inline) this.#metadata.inline(stat);
    // Extents beyond the end of a file, and the like, are not to make it less than nothing.
    const own = this.#inline ? stat.size : Math.max(0, bytes - shared);
    this.#own += own;
    return { own, shared };
  }

  /** Names an inode. */
  key(stat: Stat): InodeKey {
    const { major, minor } = this.#device;
    if (major < 0) {
      this.#device.major = stat.devMajor;
      this.#device.minor = stat.devMinor;
      return stat.ino;
    }
    if (stat.devMajor === major && stat.devMinor === minor) return stat.ino;
    return `${stat.devMajor}:${stat.devMinor}:${stat.ino}`;
  }

  /** How many inodes there are. */
  get inodes(): number {
    return this.#inodes;
  }

  /** Bytes of all that was added. */
  get bytes(): number {
    return this.#own + this.#extents.bytes + this.#metadata.bytes;
  }

  /** Of {@link bytes}, those of the filesystem's own records of files and names, as far as they count as used. */
  get metadataBytes(): number {
    return this.#metadata.bytes;
  }

  /** How metadata was counted. */
  get metadataModel(): MetadataModel {
    return this.#metadata.model;
  }

  /** How it was counted, in words. */
  get method(): string {
    const blocks = "st_blocks, each inode once";
    const extents = this.#shares
      ? "shared extents once (FIEMAP)"
      : this.#fiemap
      ? "no shared extents (FIEMAP)"
      : "no shared extents on this filesystem";
    const encoded = this.#encoded > 0 ? "; compressed extents by the size of their content" : "";
    return `${blocks}; ${extents}${encoded}; ${this.#metadata.method}`;
  }

  #sharedOf(dir: number, name: Uint8Array): number {
    const n = openat(dir, name, O_RDONLY | O_NOFOLLOW);
    if (n < 0) return 0;
    using file = Fd.adopt(n);
    let shared = 0;
    const r = fiemap(file.n, (physical, length, flags) => {
      if ((flags & FIEMAP_EXTENT_DATA_INLINE) !== 0) this.#inline = true;
      if ((flags & FIEMAP_EXTENT_ENCODED) !== 0) this.#encoded++;
      if ((flags & FIEMAP_EXTENT_SHARED) === 0) return;
      shared += length;
      this.#extents.add(physical, length);
    });
    if (r < 0 && r === -EOPNOTSUPP) this.#fiemap = false;
    if (shared > 0) this.#shares = true;
    return shared;
  }
}
