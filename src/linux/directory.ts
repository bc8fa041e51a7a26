/**
 * The entries of a directory: getdents64(2).
 *
 * @module
 */

import { SEEK_SET } from "./abi.ts";
import { check, ENOENT } from "./errno.ts";
import { lseek } from "./file.ts";
import { bind, errno, type Libc } from "./libc.ts";

/** One entry of a directory. */
export interface DirectoryEntry {
  /** The name's bytes with a NUL behind them, ready for a system call. */
  readonly name: Uint8Array<ArrayBuffer>;
  /** `DT_*`; DT_UNKNOWN where the filesystem does not say. */
  readonly type: number;
  /** Inode number, as far as it is exact in a number (2^53). */
  readonly ino: number;
}

const DOT = 0x2e;
const NAME = 19;
const block = new Uint8Array(64 * 1024);
const view = new DataView(block.buffer);

let fn_getdents64: Libc["getdents64"] | undefined;

function getdents64(fd: number): number {
  const r = fn_getdents64?.(fd, block, 65536n) ??
    bind("getdents64", (f) => fn_getdents64 = f)(fd, block, 65536n);
  return r < 0 ? -errno[0] : r;
}

/**
 * Reads all entries of an open directory, from its start, but for `.` and `..`; in the filesystem's order. One that was removed
 * has none.
 *
 * @throws {SysError}
 */
export function readDirectory(fd: number): DirectoryEntry[] {
  check(lseek(fd, 0, SEEK_SET), "lseek", `directory ${fd}`);
  const entries: DirectoryEntry[] = [];
  for (;;) {
    const result = getdents64(fd);
    // It was removed since it was opened.
    if (result === -ENOENT) return [];
    const length = check(result, "getdents64", `directory ${fd}`);
    if (length === 0) return entries;
    for (let at = 0; at < length;) {
      const next = at + view.getUint16(at + 16, true);
      const start = at + NAME;
      const end = block.indexOf(0, start);
      const dots = block[start] === DOT &&
        (end - start === 1 || (end - start === 2 && block[start + 1] === DOT));
      if (!dots) {
        entries.push({
          name: block.slice(start, end + 1),
          type: block[at + 18],
          ino: view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296,
        });
      }
      at = next;
    }
  }
}
