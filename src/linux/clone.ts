/**
 * Getting one file's content into another without, or with, moving the bytes.
 *
 * @module
 */

import { MAX_RW_COUNT, SEEK_DATA, SEEK_END, SEEK_HOLE } from "./abi.ts";
import {
  check,
  EBADF,
  EINTR,
  EINVAL,
  EIO,
  ENOSYS,
  ENOTSUP,
  ENXIO,
  EPERM,
  EXDEV,
  SysError,
} from "./errno.ts";
import { ftruncate, lseek, pread, pwrite } from "./file.ts";
import { ioctl } from "./ioctl.ts";
import { bind, errno, type Libc } from "./libc.ts";

const FICLONE = 0x40049409;

/**
 * FICLONE, ioctl_ficlone(2): makes the whole content of `target` share the extents of `source`.
 *
 * @returns 0 or `-errno`: EXDEV on two filesystems, EOPNOTSUPP or ENOTTY where the filesystem cannot, EINVAL for an inline
 * source and the like.
 */
export function ficlone(target: number, source: number): number {
  return ioctl(target, FICLONE, source);
}

const FIDEDUPERANGE = 0xc0189436;
const FILE_DEDUPE_RANGE_DIFFERS = 1;
/** What every filesystem takes in one call. */
const DEDUPE_CHUNK = 16 * 1024 * 1024;

/** struct file_dedupe_range with one file_dedupe_range_info. */
const dedupe = new DataView(new ArrayBuffer(56));

/**
 * FIDEDUPERANGE, ioctl_fideduperange(2): makes the whole content of `target` share the extents of `source`, if both are the same bytes.
 * Neither content nor times change, whoever uses the files.
 *
 * @param size Of both, in bytes.
 * @returns 1 if they share all of it, 0 if they differ, or `-errno`: EOPNOTSUPP, ENOTTY or EINVAL where the filesystem cannot.
 */
export function dedupeFile(target: number, source: number, size: number): number {
  for (let at = 0; at < size;) {
    const length = Math.min(DEDUPE_CHUNK, size - at);
    dedupe.setBigUint64(0, BigInt(at), true);
    dedupe.setBigUint64(8, BigInt(length), true);
    dedupe.setUint16(16, 1, true);
    dedupe.setBigInt64(24, BigInt(target), true);
    dedupe.setBigUint64(32, BigInt(at), true);
    dedupe.setBigUint64(40, 0n, true);
    dedupe.setInt32(48, 0, true);
    const r = ioctl(source, FIDEDUPERANGE, dedupe);
    if (r < 0) return r;
    const status = dedupe.getInt32(48, true);
    if (status < 0) return status;
    if (status === FILE_DEDUPE_RANGE_DIFFERS) return 0;
    const done = Number(dedupe.getBigUint64(40, true));
    if (done === 0) return -EINVAL;
    at += done;
  }
  return 1;
}

let fn_copy_file_range: Libc["copy_file_range"] | undefined;

function copyRange(
  source: number,
  sourceOffset: BigInt64Array,
  target: number,
  targetOffset: BigInt64Array,
  length: number,
): number {
  const n = BigInt(Math.min(length, MAX_RW_COUNT));
  for (;;) {
    const r = fn_copy_file_range?.(source, sourceOffset, target, targetOffset, n, 0) ??
      bind("copy_file_range", (f) => fn_copy_file_range = f)(
        source,
        sourceOffset,
        target,
        targetOffset,
        n,
        0,
      );
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

/** Below this a file is copied without a look for holes: it would cost more than it saves. */
const SPARSE = 64 * 1024;

/**
 * Copies `size` bytes from the start of `source` to the start of `target`, which is empty: by copy_file_range(2), and where
 * that does not work by reading and writing. Holes stay holes. The descriptors' offsets are not to be relied on afterwards.
 *
 * @throws {SysError} EIO too if the source is shorter than `size`.
 */
export function copyAll(target: number, source: number, size: number): void {
  if (size < SPARSE) return copyPart(target, source, 0, size);
  // What lies behind the end must not pass for a hole.
  const there = lseek(source, 0, SEEK_END);
  if (there >= 0 && there < size) throw tooShort(source, there, size);
  for (let at = 0; at < size;) {
    const hole = lseek(source, at, SEEK_HOLE);
    // EINVAL: a filesystem that does not know holes.
    const end = hole < 0 ? size : Math.min(hole, size);
    copyPart(target, source, at, end);
    if (end === size) return;
    const data = lseek(source, end, SEEK_DATA);
    if (data === -ENXIO || data >= size) {
      check(ftruncate(target, size), "ftruncate", `descriptor ${target}`);
      return;
    }
    at = check(data, "lseek", `descriptor ${source}`);
  }
}

const offsets = [new BigInt64Array(1), new BigInt64Array(1)];

function copyPart(target: number, source: number, start: number, end: number): void {
  if (start === end) return;
  const [from, to] = offsets;
  from[0] = to[0] = BigInt(start);
  for (let at = start; at < end;) {
    const r = copyRange(source, from, target, to, end - at);
    if (r > 0) {
      at += r;
    } else if (r === 0 || unsupported(-r)) {
      // Some filesystems (procfs, FUSE) answer 0 for files that are not at their end.
      return copyBytes(target, source, at, end);
    } else {
      check(r, "copy_file_range", `descriptor ${source} to ${target}`);
    }
  }
}

function tooShort(source: number, at: number, size: number): SysError {
  return new SysError(EIO, "read", `descriptor ${source}`, `it ends at byte ${at} of ${size}`);
}

/** Whether an error of copy_file_range means "not here" rather than "it failed". */
function unsupported(e: number): boolean {
  return e === EXDEV || e === EINVAL || e === ENOSYS || e === ENOTSUP || e === EPERM ||
    e === EBADF || e === EIO;
}

let buffer: Uint8Array | undefined;

function copyBytes(target: number, source: number, start: number, end: number): void {
  const block = buffer ??= new Uint8Array(256 * 1024);
  for (let at = start; at < end;) {
    const want = end - at < block.length ? block.subarray(0, end - at) : block;
    const got = check(pread(source, want, at), "read", `descriptor ${source}`);
    if (got === 0) throw tooShort(source, at, end);
    for (let done = 0; done < got;) {
      const n = pwrite(target, want.subarray(done, got), at + done);
      if (n === 0) throw new SysError(EIO, "write", `descriptor ${target}`, "nothing was written");
      done += check(n, "write", `descriptor ${target}`);
    }
    at += got;
  }
}
