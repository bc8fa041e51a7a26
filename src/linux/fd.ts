/**
 * A file descriptor that closes itself.
 *
 * @module
 */

import { AT_FDCWD } from "./abi.ts";
import { check } from "./errno.ts";
import { close, openat } from "./file.ts";
import { type CPath, displayPath } from "./path.ts";

/** An open file descriptor with one owner; `using fd = Fd.open(…)` closes it at the end of the block. */
export class Fd implements Disposable {
  #n: number;

  private constructor(n: number) {
    this.#n = n;
  }

  /** The descriptor, or -1 once it is closed or released. */
  get n(): number {
    return this.#n;
  }

  /**
   * Opens a path: open(2), with O_CLOEXEC always.
   *
   * @throws {SysError}
   */
  static open(path: CPath, flags: number, mode = 0): Fd {
    return Fd.openat(AT_FDCWD, path, flags, mode);
  }

  /**
   * Opens a path relative to a directory: openat(2), with O_CLOEXEC always.
   *
   * @throws {SysError}
   */
  static openat(dir: number, name: CPath, flags: number, mode = 0): Fd {
    const n = openat(dir, name, flags, mode);
    return new Fd(n < 0 ? check(n, "open", displayPath(name)) : n);
  }

  /** Takes over a descriptor that somebody opened. */
  static adopt(n: number): Fd {
    return new Fd(n);
  }

  /** Gives the descriptor up: it stays open, and the caller has to close it. */
  release(): number {
    const n = this.#n;
    this.#n = -1;
    return n;
  }

  /** Closes the descriptor; the second time nothing happens. */
  [Symbol.dispose](): void {
    const n = this.release();
    if (n >= 0) close(n);
  }
}
