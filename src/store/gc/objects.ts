/**
 * Removal of content objects that no layer needs any more: those whose only name is the object itself.
 *
 * Each layer that uses an object has a link to it, in `fs/` or in `links/` (see src/layer/links.ts), so the link count says so, without a
 * look at any layer. An object that had all the links that its filesystem allows stands beside its successor as `PAYLOAD.1`, `PAYLOAD.2`, ….
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  Fd,
  O_DIRECTORY,
  O_RDONLY,
  readDirectory,
  renameat2,
  Stat,
  statx,
  unlinkat,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";

/** Objects that were removed. */
export interface Removed {
  /** How many. */
  count: number;
  /** Bytes that they had on disk. */
  bytes: number;
}

/** The directory of objects, for removal. Hold the store alone while it is used. */
export class ObjectSweeper implements Disposable {
  /** What was removed so far. */
  readonly removed: Removed = { count: 0, bytes: 0 };
  readonly #path: string;
  readonly #fd: Fd;
  readonly #stat = new Stat();

  /**
   * @param path The store's directory of objects.
   * @throws {SysError}
   */
  constructor(path: string) {
    this.#path = path;
    this.#fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
  }

  /**
   * Removes an object if nobody needs it; one that is not there is no error.
   *
   * @param payload Its path below the directory of objects.
   * @throws {SysError}
   */
  sweep(payload: string): void {
    let spares = 0;
    while (this.#links(`${payload}.${spares + 1}`) > 0) spares++;
    for (let n = spares; n >= 1; n--) {
      const spare = `${payload}.${n}`;
      if (this.#links(spare) !== 1) continue;
      this.#unlink(spare);
      // Without gaps, so that the next sweep finds them all.
      if (n < spares) this.#rename(`${payload}.${spares}`, spare);
      spares--;
    }
    if (this.#links(payload) !== 1) return;
    // The name is what composefs finds the content by: it stays as long as somebody has the content.
    if (spares > 0) this.#rename(`${payload}.${spares}`, payload);
    else this.#unlink(payload);
  }

  /** Looks at all objects of one of the 256 directories. */
  sweepDirectory(name: string): void {
    using directory = Fd.openat(this.#fd.n, name, O_RDONLY | O_DIRECTORY);
    for (const entry of readDirectory(directory.n)) {
      const base = byteString(entry.name, 0, entry.name.length - 1);
      if (base.length === 62) this.sweep(`${name}/${base}`);
    }
  }

  /** The directories that {@link sweepDirectory} takes. */
  directories(): string[] {
    return this.#names().filter((name) => /^[0-9a-f]{2}$/.test(name));
  }

  /** Removes the copies that killed processes were making beside the directories. */
  clearUnfinished(): void {
    for (const name of this.#names()) if (name.startsWith(".")) unlinkat(this.#fd.n, name);
  }

  #names(): string[] {
    return readDirectory(this.#fd.n).map(({ name }) => byteString(name, 0, name.length - 1));
  }

  #links(payload: string): number {
    const r = statx(this.#fd.n, payload, AT_SYMLINK_NOFOLLOW, this.#stat);
    return r < 0 ? 0 : this.#stat.nlink;
  }

  /** Unlinks what was last looked at. */
  #unlink(payload: string): void {
    const bytes = this.#stat.blocks * 512;
    check(unlinkat(this.#fd.n, payload), "unlink", `${this.#path}/${payload}`);
    this.removed.count++;
    this.removed.bytes += bytes;
  }

  #rename(from: string, to: string): void {
    check(
      renameat2(this.#fd.n, from, this.#fd.n, to, 0),
      "rename",
      `${this.#path}/${from}`,
    );
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
