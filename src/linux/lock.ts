/**
 * Locks between processes: flock(2).
 *
 * @module
 */

import { LOCK_EX, LOCK_NB, LOCK_SH, O_CREAT, O_NOFOLLOW, O_RDONLY } from "./abi.ts";
import { check, EAGAIN } from "./errno.ts";
import { Fd } from "./fd.ts";
import { flock } from "./file.ts";
import { type CPath, displayPath } from "./path.ts";
import { fstat, Stat } from "./stat.ts";

/**
 * A lock on a file, held until it is disposed or the process ends. The file is created if it is not there (its directory is
 * not). It is open for reading only, so that an existing one can be locked on a read-only filesystem.
 */
export class FileLock implements Disposable {
  readonly #fd: Fd;

  private constructor(fd: Fd) {
    this.#fd = fd;
  }

  /**
   * Waits for a shared lock. The thread blocks meanwhile: timers and signal listeners do not run.
   *
   * @throws {SysError}
   */
  static shared(path: CPath): FileLock {
    return FileLock.#take(path, LOCK_SH)!;
  }

  /**
   * Waits for an exclusive lock, blocking like {@link FileLock.shared}.
   *
   * @throws {SysError}
   */
  static exclusive(path: CPath): FileLock {
    return FileLock.#take(path, LOCK_EX)!;
  }

  /**
   * A shared lock, or undefined if somebody holds it exclusively.
   *
   * @throws {SysError}
   */
  static tryShared(path: CPath): FileLock | undefined {
    return FileLock.#take(path, LOCK_SH | LOCK_NB);
  }

  /**
   * An exclusive lock, or undefined if somebody holds any.
   *
   * @throws {SysError}
   */
  static tryExclusive(path: CPath): FileLock | undefined {
    return FileLock.#take(path, LOCK_EX | LOCK_NB);
  }

  static #take(path: CPath, operation: number): FileLock | undefined {
    for (const stat = new Stat();;) {
      using fd = Fd.open(path, O_RDONLY | O_CREAT | O_NOFOLLOW, 0o600);
      const r = flock(fd.n, operation);
      if (r === -EAGAIN) return undefined;
      check(r, "flock", displayPath(path));
      check(fstat(fd.n, stat), "statx", displayPath(path));
      // Whoever held it before may have removed the file: a lock on that one excludes nobody.
      if (stat.nlink > 0) return new FileLock(Fd.adopt(fd.release()));
    }
  }

  /** Gives the lock up. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
