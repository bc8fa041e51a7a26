/**
 * The walk that builds a directory from a tree.
 *
 * Nothing is parsed: names go as bytes from the image into calls relative to open directories. A directory's files come before its
 * subdirectories, and its own metadata after both. The stack is explicit, so that neither deep trees nor many open directories are
 * a problem, and so that the walk can pause between directories.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import {
  check,
  close,
  displayPath,
  EACCES,
  EPERM,
  linkat,
  mkdirat,
  mknodat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  symlinkat,
  SysError,
} from "../../linux/mod.ts";
import { S_IFDIR, S_IFLNK, S_IFREG } from "../../tree/inode.ts";
import type { ErofsView } from "../../tree/mod.ts";
import type { FileEntry } from "../plugin.ts";
import type { Counts } from "./counts.ts";
import { type Exchange, Stopped, type Unit } from "./exchange.ts";
import { Entry } from "./file_entry.ts";
import type { Metadata } from "./metadata.ts";
import { must, openBelow, WalkPath, withParent } from "./path.ts";
import { LayerDirectories, type Sources } from "./sources.ts";
import { writableBelow, type WritableNode } from "./writable.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const DOT_DOT = new Uint8Array([0x2e, 0x2e, 0]);
const NO_NAME = new Uint8Array(1);

/** Directories that are open at once on the way down; those further up are closed, and opened again on the way back. */
const OPEN_LEVELS = 128;

/** Entries after which progress is told and a wish to stop is heard, within large directories. */
const BATCH = 256;

/** Hard links between what two threads make: made when both are done. */
export interface LaterLink {
  /** The inode's number in the tree. */
  readonly ino: number;
  /** The directory of the new name. */
  readonly directory: number;
  /** Path of the new name, NUL-terminated. */
  readonly path: Uint8Array;
}

/** A directory that even its owner may not write, as long as nobody but the owner's process works in it. */
export interface LockedDirectory {
  /** Its path, NUL-terminated. */
  readonly path: Uint8Array;
  /** The mode that it is to get when all links are made. */
  readonly mode: number;
}

/** What a builder works with. */
export interface BuilderParts {
  readonly view: ErofsView;
  readonly sources: Sources;
  readonly metadata: Metadata;
  readonly counts: Counts;
  /** Descriptor of the target. */
  readonly root: number;
  readonly writable: WritableNode;
  /** Inodes with several names of which one is writable: all their names are. */
  readonly writableGroups: ReadonlySet<number>;
  readonly place: (file: FileEntry) => void;
  readonly linkOthers: boolean;
  /** See {@link plugin!Job.native}. */
  readonly native: boolean;
  /** By inode number: 1 once a thread has taken a hard-link group; undefined where there is one thread. */
  readonly groups: Uint8Array | undefined;
  /** Where other threads take work from. */
  readonly exchange: Exchange;
}

/** One directory on the way down. */
class Level {
  nid = 0;
  /** Descriptor; -1 while there is none: not needed yet, or closed because the tree is deep. */
  fd = -1;
  name: Uint8Array = NO_NAME;
  pathLength = 0;
  writable!: WritableNode;
  readonly open = new LayerDirectories();
  readonly subdirectories: number[] = [];
  readonly names: Uint8Array[] = [];
  next = 0;
}

/** Builds units of a tree, one after the other, in one thread. */
export class Builder {
  readonly #parts: BuilderParts;
  readonly #view: ErofsView;
  readonly #place: (file: FileEntry) => void;
  /** Whether anything may be listed as writable: mostly not, and then nobody need ask. */
  readonly #someWritable: boolean;
  readonly #path = new WalkPath();
  readonly #entry: Entry;
  readonly #levels: Level[] = [];
  #depth = 0;
  #pending = 0;
  /** Paths of the first names of hard-link groups that this builder made, NUL-terminated, by inode number. */
  readonly firsts = new Map<number, Uint8Array>();
  readonly later: LaterLink[] = [];
  /** Without root's rights: directories whose mode is set last, children before parents. */
  readonly locked: LockedDirectory[] = [];

  constructor(parts: BuilderParts) {
    this.#parts = parts;
    this.#view = parts.view;
    this.#place = parts.place;
    this.#someWritable = parts.writable.all || parts.writable.children.size > 0;
    this.#entry = new Entry(parts, this.#path);
  }

  /** Begins a unit; {@link run} does it. */
  start({ nid, path }: Unit): void {
    const { root, writable } = this.#parts;
    this.#path.reset(path);
    const level = this.#push(nid, NO_NAME, nodeOf(writable, path));
    level.fd = this.#try(openBelow(root, this.#path.bytes, DIRECTORY), "open", NO_NAME);
    this.#entries(level);
  }

  /**
   * Works on until the unit is done or the time is over.
   *
   * @param until On the clock of performance.now().
   * @returns Whether the unit is done.
   */
  run(until: number): boolean {
    const { exchange } = this.#parts;
    while (this.#depth > 0) {
      if (exchange.wanted) this.#give();
      const level = this.#levels[this.#depth - 1];
      if (level.next < level.subdirectories.length) {
        const index = level.next++;
        this.#enter(level, level.subdirectories[index], level.names[index]);
      } else {
        this.#leave(level);
      }
      if (performance.now() >= until) break;
    }
    return this.#depth === 0;
  }

  /** Gives a directory to a thread that has none: of the uppermost ones, which have most below them, the last. */
  #give(): void {
    for (let depth = 0; depth < this.#depth; depth++) {
      const level = this.#levels[depth];
      if (level.next === level.subdirectories.length || level.fd < 0) continue;
      const nid = level.subdirectories.at(-1)!;
      const name = level.names.at(-1)!;
      const path = this.#path.childAt(level.pathLength, name);
      const given = this.#parts.exchange.give(nid, path, () => this.#mkdir(level, nid, name));
      if (given) {
        level.subdirectories.pop();
        level.names.pop();
      }
      return;
    }
  }

  #mkdir(parent: Level, nid: number, name: Uint8Array): void {
    const { view, metadata, counts } = this.#parts;
    const result = mkdirat(parent.fd, name, metadata.createMode(view.mode(nid)));
    if (result < 0) {
      this.#path.truncate(parent.pathLength);
      this.#try(result, "mkdir", name);
    }
    counts.directories++;
  }

  /** Closes what is open, after a failure. */
  abandon(): void {
    for (let i = 0; i < this.#depth; i++) {
      const level = this.#levels[i];
      if (level.fd >= 0) close(level.fd);
      level.fd = -1;
      level.open.clear();
    }
    this.#depth = 0;
    this.#entry.end();
  }

  #push(nid: number, name: Uint8Array, writable: WritableNode): Level {
    const level = this.#levels[this.#depth] ??= new Level();
    level.nid = nid;
    level.fd = -1;
    level.name = name;
    level.pathLength = this.#path.length;
    level.writable = writable;
    level.subdirectories.length = 0;
    level.names.length = 0;
    level.next = 0;
    this.#depth++;
    return level;
  }

  #enter(parent: Level, nid: number, name: Uint8Array): void {
    this.#path.truncate(parent.pathLength);
    this.#mkdir(parent, nid, name);
    this.#path.push(name);
    const far = this.#depth - OPEN_LEVELS;
    if (far > 0 && this.#levels[far].fd >= 0) {
      close(this.#levels[far].fd);
      this.#levels[far].fd = -1;
    }
    this.#entries(this.#push(nid, name, writableBelow(parent.writable, name)));
  }

  #leave(level: Level): void {
    const { view, metadata } = this.#parts;
    const parent = this.#depth > 1 ? this.#levels[this.#depth - 2] : undefined;
    level.open.clear();
    // The root's metadata comes last of all.
    if (level.nid !== view.rootNid) {
      this.#path.truncate(level.pathLength);
      try {
        const mode = view.mode(level.nid);
        if (level.fd < 0) metadata.named(parent!.fd, level.name, level.nid, mode);
        else metadata.open(level.fd, level.nid, this.#unlocked(mode));
      } catch (error) {
        throw this.#explain(error, NO_NAME);
      }
    }
    if (level.fd >= 0) {
      if (parent !== undefined && parent.fd < 0) {
        parent.fd = this.#try(openat(level.fd, DOT_DOT, DIRECTORY), "open ..", NO_NAME);
      }
      close(level.fd);
      level.fd = -1;
    }
    this.#depth--;
    this.#pending++;
    this.#pulse();
  }

  /** The mode that a directory has until all links are made: with root's rights, that of the tree. */
  #unlocked(mode: number): number {
    if (!this.#parts.metadata.lenient || (mode & 0o700) === 0o700) return mode;
    this.locked.push({ path: this.#path.bytes.slice(), mode: mode & 0o1777 });
    return mode | 0o700;
  }

  /** Makes what a directory holds besides directories, and notes those. */
  #entries(level: Level): void {
    this.#parts.view.entries(level.nid, this.#visit);
    if (level.fd < 0 && level.subdirectories.length > 0) this.#openLevel(level);
    this.#pulse();
  }

  readonly #visit = (nid: number, type: number, name: Uint8Array, length: number): void => {
    const level = this.#levels[this.#depth - 1];
    if (type === S_IFDIR) {
      level.subdirectories.push(nid);
      level.names.push(name.slice(0, length + 1));
      return;
    }
    if (level.fd < 0) this.#openLevel(level);
    try {
      const names = this.#view.nlink(nid);
      if (names <= 1 || !this.#linkToFirst(level, nid, name)) {
        this.#make(level, nid, names, type, name);
      }
    } catch (error) {
      throw this.#explain(error, name);
    } finally {
      this.#entry.end();
    }
    if (++this.#pending >= BATCH) this.#pulse();
  };

  #openLevel(level: Level): void {
    const parent = this.#levels[this.#depth - 2];
    level.fd = this.#try(openat(parent.fd, level.name, DIRECTORY), "open", NO_NAME);
  }

  /** Makes a further name of an inode that has its first, or notes it for later; false if this is to be the first. */
  #linkToFirst(level: Level, nid: number, name: Uint8Array): boolean {
    const { view, root, groups, counts } = this.#parts;
    const ino = view.ino(nid);
    const first = this.firsts.get(ino);
    if (first !== undefined) {
      const result = withParent(
        root,
        first,
        (parent, last) => linkat(parent, last, level.fd, name),
      );
      must(result, "link to", first);
      counts.hardLinks++;
      return true;
    }
    const path = this.#path.child(name);
    if (groups !== undefined && Atomics.exchange(groups, ino, 1) === 1) {
      this.later.push({ ino, directory: level.nid, path });
      counts.hardLinks++;
      return true;
    }
    this.firsts.set(ino, path);
    return false;
  }

  #make(level: Level, nid: number, names: number, type: number, name: Uint8Array): void {
    const entry = this.#entry;
    const writable = this.#someWritable && this.#isWritable(level, nid, name);
    entry.begin(nid, names, level.fd, name, writable, level.open);
    if (type === S_IFREG) {
      this.#place(entry);
      if (entry.made >= 0) this.#parts.metadata.open(entry.made, nid, this.#view.mode(nid));
      else if (!entry.placed) throw notPlaced();
    } else {
      this.#makeOther(level, nid, type, name, writable);
    }
  }

  #isWritable(level: Level, nid: number, name: Uint8Array): boolean {
    return writableBelow(level.writable, name).all ||
      this.#parts.writableGroups.has(this.#view.ino(nid));
  }

  /** Makes a symbolic link, device, fifo or socket. */
  #makeOther(level: Level, nid: number, type: number, name: Uint8Array, writable: boolean): void {
    const { view, metadata, counts, native, linkOthers } = this.#parts;
    // Devices of a store without root's rights are empty files, fifos have another mode.
    const linkable = native || type === S_IFLNK;
    if (linkOthers && linkable && !writable && this.#entry.linkInode()) {
      counts.linked++;
      return;
    }
    const mode = view.mode(nid);
    if (type === S_IFLNK) {
      check(symlinkat(view.linkTarget(nid), level.fd, name), "symlink", "");
      counts.symlinks++;
    } else {
      const create = type | metadata.createMode(mode);
      const result = mknodat(level.fd, name, create, view.rdev(nid));
      if ((result === -EPERM || result === -EACCES) && metadata.lenient) {
        metadata.skipped.devices++;
        this.firsts.delete(view.ino(nid));
        return;
      }
      check(result, "mknod", "");
      counts.specials++;
    }
    metadata.named(level.fd, name, nid, mode);
  }

  #pulse(): void {
    const { exchange } = this.#parts;
    exchange.count(this.#pending);
    this.#pending = 0;
    if (exchange.stopped) throw new Stopped();
  }

  #here(): string {
    return this.#path.length === 0 ? "/" : `/${displayPath(this.#path.bytes)}`;
  }

  #try(result: number, syscall: string, name: Uint8Array): number {
    if (result >= 0) return result;
    throw this.#explain(new SysError(-result, syscall, ""), name);
  }

  /** The error that says where in the tree something failed. */
  #explain(error: unknown, name: Uint8Array): unknown {
    if (!(error instanceof Error)) return error;
    const path = name === NO_NAME ? this.#here() : `/${displayPath(this.#path.child(name))}`;
    const kind = error instanceof LaminaError ? error.kind : "failed";
    const hint = error instanceof LaminaError ? error.hint : undefined;
    return new LaminaError(kind, `making ${path}: ${error.message}`, { cause: error, hint });
  }
}

function notPlaced(): LaminaError {
  return new LaminaError("failed", "the strategy's place() returned without making the file", {
    hint: "Tell the author of the plugin: place() has to call create, copy, clone or link.",
  });
}

function nodeOf(root: WritableNode, path: Uint8Array): WritableNode {
  let node = root;
  for (let start = 0; start < path.length;) {
    const slash = path.indexOf(0x2f, start);
    const end = slash < 0 ? path.length : slash;
    node = writableBelow(node, path.subarray(start, end));
    start = end + 1;
  }
  return node;
}
