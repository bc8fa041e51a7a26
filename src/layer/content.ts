/**
 * Writes the content of regular files, and finds out what it is on the way.
 *
 * @module
 */

import {
  check,
  close,
  ftruncate,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  openat,
  pwrite,
  writeAll,
} from "../linux/mod.ts";
import type { Inode } from "../tree/inode.ts";
import { FsVerityHasher } from "../tree/verity.ts";
import { must } from "./cname.ts";
import type { DiskForm } from "./form.ts";
import type { Objects } from "./objects.ts";

/** Largest content that stands in the index itself, as in composefs. */
const INLINE = 64;
const CREATE = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;

/** Makes regular files, one after the other. */
export class ContentWriter {
  readonly #form: DiskForm;
  readonly #objects: Objects;
  readonly #verity = new FsVerityHasher();
  /** Inodes that share the content of an object. */
  readonly shared: Set<Inode> = new Set();

  // The file being written in pieces.
  #fd = -1;
  #inode!: Inode;
  #parts: readonly number[] | null = null;
  /** Index into the parts, and bytes of that part that are there. */
  #part = 0;
  #inPart = 0;
  /** How far the file has been hashed. */
  #position = 0;

  constructor(form: DiskForm, objects: Objects) {
    this.#form = form;
    this.#objects = objects;
  }

  /** Makes a file whose whole content is at hand. Sets the inode's content or digest. */
  whole(dir: number, name: Uint8Array, inode: Inode, bytes: Uint8Array): void {
    const known = bytes.length > INLINE;
    if (known) {
      this.#verity.reset();
      this.#verity.update(bytes);
      this.#identify(inode);
    } else if (bytes.length > 0) {
      inode.content = bytes.slice();
    }
    const fd = this.#create(dir, name, inode);
    try {
      if (known && this.#objects.shares && this.#objects.share(fd, inode, false)) {
        this.shared.add(inode);
      } else if (bytes.length > 0) must(writeAll(fd, bytes), "write", name);
      this.#form.file(fd, inode);
    } finally {
      close(fd);
    }
  }

  /**
   * Begins a file whose content comes in pieces.
   *
   * @param parts Of a sparse file: offset, length … of what comes; else null.
   */
  begin(dir: number, name: Uint8Array, inode: Inode, parts: readonly number[] | null): void {
    this.abandon();
    this.#fd = this.#create(dir, name, inode);
    this.#inode = inode;
    this.#parts = parts;
    this.#part = this.#inPart = this.#position = 0;
    this.#verity.reset();
    // First, as XFS keeps blocks ready behind a file that grows, and they would stay in the hole.
    if (parts !== null) check(ftruncate(this.#fd, inode.size), "ftruncate", "the file");
    if (inode.size > 0 && inode.size <= INLINE) inode.content = new Uint8Array(inode.size);
  }

  /** The next piece. */
  data(bytes: Uint8Array): void {
    const parts = this.#parts;
    if (parts === null) {
      this.#hash(bytes);
      check(writeAll(this.#fd, bytes), "write", "the file");
      return;
    }
    for (let at = 0; at < bytes.length;) {
      const offset = parts[this.#part] + this.#inPart;
      const piece = bytes.subarray(at, at + parts[this.#part + 1] - this.#inPart);
      this.#hashHole(offset);
      this.#hash(piece);
      this.#writeAt(piece, offset);
      at += piece.length;
      this.#inPart += piece.length;
      if (this.#inPart === parts[this.#part + 1]) {
        this.#part += 2;
        this.#inPart = 0;
      }
    }
  }

  /** Ends the file: metadata, digest, and the content shared if it is an object already. */
  end(): void {
    const inode = this.#inode;
    if (this.#parts !== null) this.#hashHole(inode.size);
    if (inode.size > INLINE) {
      this.#identify(inode);
      if (this.#objects.shares && this.#objects.share(this.#fd, inode, true)) {
        this.shared.add(inode);
      }
    }
    this.#form.file(this.#fd, inode);
    this.abandon();
  }

  /** Closes a file that will not be ended, if there is one. */
  abandon(): void {
    if (this.#fd >= 0) close(this.#fd);
    this.#fd = -1;
  }

  #create(dir: number, name: Uint8Array, inode: Inode): number {
    const fd = openat(dir, name, CREATE, this.#form.permissions(inode));
    return fd < 0 ? must(fd, "create", name) : fd;
  }

  #identify(inode: Inode): void {
    inode.setObject(this.#verity.digest());
  }

  #hash(bytes: Uint8Array): void {
    const { content } = this.#inode;
    if (content !== null) content.set(bytes, this.#position);
    else this.#verity.update(bytes);
    this.#position += bytes.length;
  }

  /** A hole from where the file has been hashed up to an offset. Content in the inode is zeros already. */
  #hashHole(end: number): void {
    if (this.#inode.content === null) this.#verity.zeros(end - this.#position);
    this.#position = end;
  }

  #writeAt(bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length;) {
      done += check(pwrite(this.#fd, bytes.subarray(done), offset + done), "write", "the file");
    }
  }
}
