/**
 * Objects: whether each is what its name says, and which inodes a name may stand for.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  displayPath,
  ENOENT,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  readDirectory,
  Stat,
  statx,
  SysError,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import { S_IFMT, S_IFREG, toHex } from "../../tree/mod.ts";
import { ContentReader } from "./content.ts";
import type { Problem } from "./finding.ts";

/** An object's name in one of the 256 directories: see {@link ObjectTable.inodes} about the number. */
const NAME = /^[0-9a-f]{62}(\.[1-9][0-9]*)?$/;

/** The directory of objects, for looks into it. */
export class ObjectTable implements Disposable {
  readonly #fd: Fd;
  readonly #stat = new Stat();

  /**
   * @param path The directory. One that is missing has no objects.
   * @throws {SysError}
   */
  constructor(path: string) {
    const n = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    this.#fd = Fd.adopt(n === -ENOENT ? n : check(n, "open", path));
  }

  /**
   * The inodes that have a content: the object, and those before it that had all the links that their filesystem allows. Empty where there
   * is none.
   */
  inodes(payload: string): number[] {
    const inodes: number[] = [];
    for (let name = payload, n = 1;; name = `${payload}.${n++}`) {
      const r = statx(this.#fd.n, name, AT_SYMLINK_NOFOLLOW, this.#stat);
      if (r < 0) return inodes;
      inodes.push(this.#stat.ino);
    }
  }

  /** Opens an object. Returns the descriptor or `-errno`. */
  open(payload: string): number {
    return openat(this.#fd.n, payload, O_RDONLY | O_NOFOLLOW);
  }

  /**
   * Checks one of the 256 directories.
   *
   * @param wanted Payloads to look at; undefined: all.
   * @param reader Reads contents; undefined: only names are checked.
   */
  checkDirectory(
    name: string,
    wanted: ReadonlySet<string> | undefined,
    reader: ContentReader | undefined,
    report: (problem: Problem) => void,
  ): void {
    const directory = openat(this.#fd.n, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (directory < 0) return;
    using fd = Fd.adopt(directory);
    for (const entry of readDirectory(fd.n)) {
      const base = byteString(entry.name, 0, entry.name.length - 1);
      const payload = `${name}/${base.slice(0, 62)}`;
      if (wanted !== undefined && !wanted.has(payload)) continue;
      const r = statx(fd.n, entry.name, AT_SYMLINK_NOFOLLOW, this.#stat);
      if (r === -ENOENT) continue;
      check(r, "statx", displayPath(entry.name));
      const about = { payload: `${name}/${base}`, ino: this.#stat.ino };
      if (!NAME.test(base) || (this.#stat.mode & S_IFMT) !== S_IFREG) {
        const message = `objects/${name}/${displayPath(entry.name)} is no object`;
        report({ kind: "object-foreign", message, ...about });
      } else if (reader !== undefined) {
        const message = wrongContent(
          fd.n,
          entry.name,
          payload.replace("/", ""),
          this.#stat,
          reader,
        );
        if (message !== undefined) report({ kind: "object-content", message, ...about });
      }
    }
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}

/** What is wrong with a file that should have the content of a digest, or undefined. */
export function wrongContent(
  dir: number,
  name: Uint8Array | string,
  digest: string,
  stat: Stat,
  reader: ContentReader,
): string | undefined {
  try {
    const sparse = stat.blocks * 512 < stat.size;
    using fd = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    const actual = toHex(reader.digest(fd.n, stat.size, sparse));
    return actual === digest ? undefined : `its content has the digest ${actual}`;
  } catch (error) {
    // A bad block, or a file that fs-verity refuses: that is the damage.
    if (error instanceof SysError) return `its content cannot be read: ${error.message}`;
    throw error;
  }
}
