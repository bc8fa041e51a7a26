/**
 * The store's content objects, as an ingest uses them: shares content with those that are there, links new ones.
 *
 * An object is a hard link to the inode of a layer's file, named by the fs-verity digest of its content. A layer that shares it links it once
 * more ({@link Links}), so that its link count says whether anybody needs it.
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
  RENAME_EXCHANGE,
  renameat2,
  Stat,
  unlinkat,
} from "../linux/mod.ts";
import type { ByteString, Inode } from "../tree/inode.ts";
import { NameBuffer } from "./cname.ts";
import { Links } from "./links.ts";
import { isWorthMarks, makeMetacopy, metacopyWorks } from "./metacopy.ts";

/** The directory of objects, and what one layer has to do with it. */
export class Objects implements Disposable {
  readonly #path: string;
  readonly #fd: Fd;
  readonly #links: Links;
  readonly #name = new NameBuffer();
  readonly #stat = new Stat();
  readonly #tryMetacopy: () => boolean;
  #clones = true;
  #metacopy: boolean | undefined;
  #metacopies = 0;

  /**
   * @param path The directory; its 256 subdirectories are made where they are missing.
   * @param staging The layer's directory: gets `links/` where it shares anything.
   * @param native Whether the layer has its files as they are. Others are for users, whose overlays follow no redirects.
   * @throws {SysError}
   */
  constructor(path: string, staging: string, native: boolean) {
    this.#path = path;
    this.#fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
    this.#links = new Links(staging, this.#fd.n);
    this.#tryMetacopy = () => native && metacopyWorks(`${staging}/metacopy`);
  }

  /** How many files are {@link makeMetacopy | without their content}. */
  get metacopies(): number {
    return this.#metacopies;
  }

  /**
   * Whether content can be in the store once and in several files, until the filesystem says no. Where it can, every object is shared, the
   * smallest too: a clone takes about as long as writing a file and writing it back, and saves at least one block.
   */
  get shares(): boolean {
    return this.#clones || (this.#metacopy ??= this.#tryMetacopy());
  }

  /**
   * Lets a file share the content of an object instead of having its own.
   *
   * @param written Whether the file has its content already, which is given up then.
   * @returns Whether it shares it; else it has what it had.
   * @throws {SysError}
   */
  share(target: number, inode: Inode, written: boolean): boolean {
    if (!this.#clones && !isWorthMarks(inode)) return false;
    const found = this.#find(inode.payload, inode.size);
    if (found < 0) return false;
    using object = Fd.adopt(found);
    // Without this its own bytes would be written back first, only to be dropped.
    if (written) check(ftruncate(target, 0), "ftruncate", "the file");
    if (this.#clone(target, object.n)) {
      this.count(inode.payload);
      return true;
    }
    if (!this.#clones && isWorthMarks(inode) && this.shares) {
      makeMetacopy(target, this.count(inode.payload), inode.size);
      this.#metacopies++;
      return true;
    }
    if (written) copyAll(target, object.n, inode.size);
    return false;
  }

  /**
   * Counts the layer's use of an object whose inode is none of its files.
   *
   * @returns The object's name in the layer's `links/`.
   * @throws {SysError}
   */
  count(payload: ByteString): string {
    const add = () => this.#links.add(payload, this.#name.set(payload));
    let name = add();
    while (name === undefined) {
      this.#renew(payload);
      name = add();
    }
    return name;
  }

  /** Opens an object: a descriptor, or -1 where there is none of this digest and size. */
  #find(payload: ByteString, size: number): number {
    const fd = openat(this.#fd.n, this.#name.set(payload), O_RDONLY | O_NOFOLLOW);
    if (fd < 0) return fd === -ENOENT ? -1 : check(fd, "open", this.#subject(payload));
    // A file that somebody has cut or lengthened is not to spread.
    if (fstat(fd, this.#stat) === 0 && this.#stat.size === size) return fd;
    close(fd);
    return -1;
  }

  #clone(target: number, source: number): boolean {
    if (!this.#clones) return false;
    const r = ficlone(target, source);
    if (r === -EOPNOTSUPP || r === -ENOTTY || r === -ENOSYS || r === -EXDEV) this.#clones = false;
    // Whatever else it is (an inline extent, a limit of references): there are the bytes.
    return r === 0;
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
      const made = mkdirat(this.#fd.n, payload.slice(0, 2), 0o755);
      if (made !== -EEXIST) check(made, "mkdir", this.#subject(payload.slice(0, 2)));
      r = linkat(dir, name, this.#fd.n, this.#name.set(payload));
    }
    if (r === -EEXIST) return false;
    if (r === -EMLINK) return this.#linkCopy(dir, name, payload);
    if (r < 0) check(r, "link", this.#subject(payload));
    return true;
  }

  /** An object of its own, for a file that can have no more links. */
  #linkCopy(dir: number, name: Uint8Array, payload: ByteString): boolean {
    using source = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    const made = this.#copy(source.n, payload, payload);
    if (made) this.count(payload);
    return made;
  }

  /**
   * Puts a copy in the place of an object that has all the links that its filesystem allows. The full one stays beside it, as
   * `PAYLOAD.N`: its count is still that of the layers that have links to it.
   */
  #renew(payload: ByteString): void {
    using source = Fd.openat(this.#fd.n, this.#name.set(payload), O_RDONLY | O_NOFOLLOW);
    let spare = `${payload}.1`;
    for (let n = 2; !this.#copy(source.n, payload, spare); n++) spare = `${payload}.${n}`;
    const other = new NameBuffer();
    const r = renameat2(
      this.#fd.n,
      other.set(spare),
      this.#fd.n,
      this.#name.set(payload),
      RENAME_EXCHANGE,
    );
    check(r, "renameat2", this.#subject(payload));
  }

  /** Copies a file to a name below the objects, whole or not at all. Returns false where the name is taken. */
  #copy(source: number, payload: ByteString, to: ByteString): boolean {
    const temporary = `.${crypto.randomUUID()}`;
    using copy = Fd.openat(this.#fd.n, temporary, O_WRONLY | O_CREAT | O_EXCL, 0o600);
    try {
      check(fstat(source, this.#stat), "stat", this.#subject(payload));
      if (ficlone(copy.n, source) < 0) copyAll(copy.n, source, this.#stat.size);
      check(fsync(copy.n), "fsync", this.#subject(payload));
      const r = linkat(this.#fd.n, temporary, this.#fd.n, this.#name.set(to));
      if (r === -EEXIST) return false;
      check(r, "link", this.#subject(to));
      return true;
    } finally {
      unlinkat(this.#fd.n, temporary);
    }
  }

  #subject(payload: ByteString): string {
    return `${this.#path}/${payload}`;
  }

  [Symbol.dispose](): void {
    this.#links[Symbol.dispose]();
    this.#fd[Symbol.dispose]();
  }
}
