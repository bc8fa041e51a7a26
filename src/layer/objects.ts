/**
 * The store's content objects, as an ingest uses them: shares content with those that are there, links new ones.
 *
 * An object is a hard link to the inode of a layer's file, named by the fs-verity digest of its content.
 *
 * @module
 */

import {
  check,
  close,
  copyAll,
  EEXIST,
  EMLINK,
  ENOENT,
  ENOSYS,
  ENOTTY,
  EOPNOTSUPP,
  EXDEV,
  Fd,
  ficlone,
  fstat,
  fsync,
  ftruncate,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openat,
  Stat,
  unlinkat,
} from "../linux/mod.ts";
import type { ByteString } from "../tree/inode.ts";
import { NameBuffer } from "./cname.ts";

/** The directory of objects. */
export class Objects implements Disposable {
  readonly #path: string;
  readonly #fd: Fd;
  readonly #name = new NameBuffer();
  readonly #stat = new Stat();
  #clones = true;

  /**
   * @param path The directory; its 256 subdirectories are made where they are missing.
   * @throws {SysError}
   */
  constructor(path: string) {
    this.#path = path;
    this.#fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
  }

  /**
   * Whether this filesystem clones, until it says no. Where it does every object is shared, the smallest too: a clone takes about as
   * long as writing a file and writing it back, and saves at least one block.
   */
  get clones(): boolean {
    return this.#clones;
  }

  /** Opens an object for {@link cloneInto}: a descriptor, or -1 where there is none of this digest and size. */
  find(payload: ByteString, size: number): number {
    const fd = openat(this.#fd.n, this.#name.set(payload), O_RDONLY | O_NOFOLLOW);
    if (fd < 0) return fd === -ENOENT ? -1 : check(fd, "open", this.#subject(payload));
    // A file that somebody has cut or lengthened is not to spread.
    if (fstat(fd, this.#stat) === 0 && this.#stat.size === size) return fd;
    close(fd);
    return -1;
  }

  /**
   * Makes a file share an object's content, and closes the object.
   *
   * @returns Whether it does; else the file is unchanged.
   */
  cloneInto(target: number, source: number): boolean {
    const r = ficlone(target, source);
    close(source);
    if (r === -EOPNOTSUPP || r === -ENOTTY || r === -ENOSYS || r === -EXDEV) this.#clones = false;
    // Whatever else it is (an inline extent, a limit of references): there are the bytes.
    return r === 0;
  }

  /**
   * Lets a file that holds an object's content already share it instead: its own copy is given up.
   *
   * @returns Whether it does; else it has its own copy still.
   */
  replaceByClone(target: number, payload: ByteString, size: number): boolean {
    const source = this.find(payload, size);
    if (source < 0) return false;
    using object = Fd.adopt(source);
    // Without this its own bytes would be written back first, only to be dropped.
    check(ftruncate(target, 0), "ftruncate", "the file");
    const r = ficlone(target, object.n);
    if (r === 0) return true;
    if (r === -EOPNOTSUPP || r === -ENOTTY || r === -ENOSYS || r === -EXDEV) this.#clones = false;
    copyAll(target, object.n, size);
    return false;
  }

  /**
   * Makes a file the object of its content.
   *
   * @param dir Descriptor of the directory that the file is in.
   * @returns false if there is such an object already.
   * @throws {SysError}
   */
  link(dir: number, name: Uint8Array, payload: ByteString): boolean {
    let r = linkat(dir, name, this.#fd.n, this.#name.set(payload));
    if (r === -ENOENT) {
      mkdirat(this.#fd.n, payload.slice(0, 2), 0o755);
      r = linkat(dir, name, this.#fd.n, this.#name.set(payload));
    }
    if (r === -EEXIST) return false;
    if (r === -EMLINK) return this.#linkCopy(dir, name, payload);
    if (r < 0) check(r, "link", this.#subject(payload));
    return true;
  }

  /** An object of its own, for a file that can have no more links. */
  #linkCopy(dir: number, name: Uint8Array, payload: ByteString): boolean {
    const temporary = `.${crypto.randomUUID()}`;
    using source = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    using copy = Fd.openat(this.#fd.n, temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      check(fstat(source.n, this.#stat), "stat", this.#subject(payload));
      if (ficlone(copy.n, source.n) < 0) copyAll(copy.n, source.n, this.#stat.size);
      check(fsync(copy.n), "fsync", this.#subject(payload));
      const r = linkat(this.#fd.n, temporary, this.#fd.n, this.#name.set(payload));
      if (r === -EEXIST) return false;
      check(r, "link", this.#subject(payload));
      return true;
    } finally {
      unlinkat(this.#fd.n, temporary);
    }
  }

  #subject(payload: ByteString): string {
    return `${this.#path}/${payload}`;
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
