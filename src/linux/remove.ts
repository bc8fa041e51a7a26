/**
 * Removing a directory with all that is in it.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_REMOVEDIR,
  DT_DIR,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
} from "./abi.ts";
import { readDirectory } from "./directory.ts";
import { fchmod, fchmodat, unlinkat } from "./entry.ts";
import {
  EACCES,
  EBUSY,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOTDIR,
  ESTALE,
  SysError,
} from "./errno.ts";
import { Fd } from "./fd.ts";
import { openat } from "./file.ts";
import { type CPath, cstring, cstringLength, displayPath, fromCString } from "./path.ts";
import { fstat, Stat } from "./stat.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;
const SLASH = 0x2f;
const DOT_DOT = new Uint8Array([0x2e, 0x2e, 0]);

/** A directory on the way from the top to where the work is. */
interface Level {
  readonly name: Uint8Array;
  readonly ino: number;
  readonly device: number;
  /** Names of the directories in it that are still there. */
  readonly pending: Uint8Array[];
}

/**
 * Removes a file, or a directory with everything below it. What is not there is no error.
 *
 * Works by descriptors, holds one directory open at a time whatever the depth, and never follows a symbolic link below
 * `dir`. Directories without permission for their owner are given it first. At a mount point it stops with EBUSY, having
 * removed only what it came by before.
 *
 * @param dir Descriptor of the directory that holds it, or AT_FDCWD.
 * @param name Its name; the directories of a longer path are followed as usual.
 * @throws {SysError}
 */
export function removeTree(dir: number, name: CPath): void {
  const { parent, base } = split(cstring(name));
  if (/^\.{0,2}$/.test(fromCString(base))) {
    throw new SysError(EINVAL, "rmdir", displayPath(name), "that names no entry of a directory");
  }
  const top = openat(dir, parent, O_PATH | O_DIRECTORY);
  if (top === -ENOENT) return;
  if (top < 0) throw new SysError(-top, "open", displayPath(name));
  using holder = Fd.adopt(top);
  const gone = unlinkat(holder.n, base);
  if (gone === -EISDIR) new Remover(holder.n, displayPath(name)).run(base);
  else if (gone < 0 && gone !== -ENOENT) throw new SysError(-gone, "unlink", displayPath(name));
}

/** Cuts the last name off a path. */
function split(path: Uint8Array): { parent: Uint8Array; base: Uint8Array } {
  let end = cstringLength(path);
  while (end > 1 && path[end - 1] === SLASH) end--;
  let start = end;
  while (start > 0 && path[start - 1] !== SLASH) start--;
  const base = new Uint8Array(end - start + 1);
  base.set(path.subarray(start, end));
  const parent = new Uint8Array(Math.max(start, 1) + 1);
  if (start === 0) parent[0] = 0x2e;
  else parent.set(path.subarray(0, start));
  return { parent, base };
}

class Remover {
  readonly #levels: Level[] = [];
  readonly #stat = new Stat();
  readonly #subject: string;
  readonly #mount: number;
  #fd: number;

  /**
   * @param holder The directory that holds what is to be removed; stays open.
   * @param subject For messages.
   */
  constructor(holder: number, subject: string) {
    this.#fd = holder;
    this.#subject = subject;
    this.#identify(holder, DOT_DOT.subarray(1));
    this.#mount = this.#mountKey();
  }

  run(base: Uint8Array): void {
    const holder = this.#fd;
    try {
      this.#enter(base);
      while (this.#levels.length > 0) {
        const name = this.#levels[this.#levels.length - 1].pending.pop();
        if (name !== undefined) this.#enter(name);
        else this.#leave(holder);
      }
    } finally {
      if (this.#fd !== holder) Fd.adopt(this.#fd)[Symbol.dispose]();
    }
  }

  /** Opens a directory in the current one, removes what is no directory in it, and makes it the current one. */
  #enter(name: Uint8Array): void {
    let n = openat(this.#fd, name, DIRECTORY);
    if (n === -EACCES) n = this.#openLocked(name);
    if (n === -ENOENT) return;
    // It was a directory a moment ago: now it is a link or a file, and goes as such.
    if (n === -ELOOP || n === -ENOTDIR) return void this.#unlink(this.#fd, name);
    if (n < 0) this.#fail(-n, "open", name);
    using fd = Fd.adopt(n);
    this.#identify(n, name);
    if (this.#mountKey() !== this.#mount) {
      this.#fail(EBUSY, "rmdir", name, "a filesystem is mounted there");
    }
    if ((this.#stat.mode & 0o700) !== 0o700) fchmod(n, (this.#stat.mode & 0o7777) | 0o700);
    const pending: Uint8Array[] = [];
    if (this.#levels.length > 0) Fd.adopt(this.#fd)[Symbol.dispose]();
    this.#levels.push({ name, ino: this.#stat.ino, device: this.#device(), pending });
    this.#fd = fd.release();
    for (const entry of readDirectory(n)) {
      if (entry.type === DT_DIR || !this.#unlink(n, entry.name)) pending.push(entry.name);
    }
  }

  /** Goes back up and removes the directory, which is empty now. */
  #leave(holder: number): void {
    const { name } = this.#levels.pop()!;
    using done = Fd.adopt(this.#fd);
    this.#fd = holder;
    const up = this.#levels.at(-1);
    if (up !== undefined) {
      const n = openat(done.n, DOT_DOT, DIRECTORY);
      if (n < 0) this.#fail(-n, "open", DOT_DOT);
      this.#fd = n;
      this.#identify(n, up.name);
      if (this.#stat.ino !== up.ino || this.#device() !== up.device) {
        this.#fail(ESTALE, "rmdir", name, "somebody moved it while it was being removed");
      }
    }
    const r = unlinkat(this.#fd, name, AT_REMOVEDIR);
    if (r < 0 && r !== -ENOENT) this.#fail(-r, "rmdir", name);
  }

  /** Removes what is no directory. Returns false for a directory. */
  #unlink(dir: number, name: Uint8Array): boolean {
    const r = unlinkat(dir, name);
    if (r === -EISDIR) return false;
    if (r < 0 && r !== -ENOENT) this.#fail(-r, "unlink", name);
    return true;
  }

  /** Gives the owner permission to a directory that even its owner may not read, and opens it. */
  #openLocked(name: Uint8Array): number {
    const n = openat(this.#fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (n < 0) return n;
    using handle = Fd.adopt(n);
    // Through /proc because fchmod refuses such a handle, and a name could become a link in between.
    const r = fchmodat(AT_FDCWD, `/proc/self/fd/${handle.n}`, 0o700);
    return r < 0 ? r : openat(this.#fd, name, DIRECTORY);
  }

  #identify(fd: number, name: Uint8Array): void {
    const r = fstat(fd, this.#stat);
    if (r < 0) this.#fail(-r, "statx", name);
  }

  #device(): number {
    return this.#stat.devMajor * 0x100000 + this.#stat.devMinor;
  }

  /** What changes at a mount: its id, or the device on kernels that do not tell (before 5.8). */
  #mountKey(): number {
    return this.#stat.mountId || -1 - this.#device();
  }

  #fail(errno: number, syscall: string, name: Uint8Array, detail?: string): never {
    const below = [...this.#levels.slice(1).map((level) => level.name), name].map(displayPath);
    if (below.length > 16) below.splice(8, below.length - 16, "…");
    const inside = this.#levels.length === 0 ? [] : below;
    throw new SysError(errno, syscall, [this.#subject, ...inside].join("/"), detail);
  }
}
