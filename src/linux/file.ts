/**
 * Files by descriptor: open, read, write, allocate, sync, lock.
 *
 * All return the kernel's result or `-errno`; names are {@link CPath}s; sizes and offsets are bytes. Calls that a signal can
 * interrupt are repeated. Every descriptor is close-on-exec.
 *
 * @module
 */

import { MAX_RW_COUNT, O_CLOEXEC, SYS } from "./abi.ts";
import { EAGAIN, EINTR, EIO } from "./errno.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath } from "./path.ts";

let fn_openat: Libc["openat"] | undefined;
/** openat(2), with O_CLOEXEC always. Returns the descriptor. */
export function openat(dir: number, path: CPath, flags: number, mode = 0): number {
  const p = cpath(path);
  for (;;) {
    const r = fn_openat?.(dir, p, flags | O_CLOEXEC, mode) ??
      bind("openat", (f) => fn_openat = f)(dir, p, flags | O_CLOEXEC, mode);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

// struct open_how: three u64 of which the kernel defines 32 bits each, so no BigInt is needed.
const how = new Uint32Array(6);
let fn_openat2: Libc["sysOpenat2"] | undefined;
/**
 * openat2(2) with O_CLOEXEC always (Linux 5.6; ENOSYS before). Returns the descriptor. EAGAIN (a rename crossed a
 * RESOLVE_BENEATH walk) is repeated up to 64 times.
 */
export function openat2(
  dir: number,
  path: CPath,
  flags: number,
  mode: number,
  resolve: number,
): number {
  const p = cpath(path);
  how[0] = flags | O_CLOEXEC;
  how[2] = mode;
  how[4] = resolve;
  for (let again = 0;;) {
    const r = fn_openat2?.(SYS.openat2, dir, p, how, 24n) ??
      bind("sysOpenat2", (f) => fn_openat2 = f)(SYS.openat2, dir, p, how, 24n);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR && (e !== EAGAIN || ++again > 64)) return -e;
  }
}

let fn_close: Libc["close"] | undefined;
/** close(2). Never repeated: after EINTR the descriptor is gone too. */
export function close(fd: number): number {
  const r = fn_close?.(fd) ?? bind("close", (f) => fn_close = f)(fd);
  return r < 0 ? -errno[0] : r;
}

let fn_read: Libc["read"] | undefined;
/** read(2) into a whole buffer. Returns how many bytes came, 0 at the end. */
export function read(fd: number, buffer: Uint8Array): number {
  const n = BigInt(Math.min(buffer.length, MAX_RW_COUNT));
  for (;;) {
    const r = fn_read?.(fd, buffer, n) ?? bind("read", (f) => fn_read = f)(fd, buffer, n);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_pread: Libc["pread"] | undefined;
/** pread(2). */
export function pread(fd: number, buffer: Uint8Array, offset: number): number {
  const n = BigInt(Math.min(buffer.length, MAX_RW_COUNT));
  const at = BigInt(offset);
  for (;;) {
    const r = fn_pread?.(fd, buffer, n, at) ??
      bind("pread", (f) => fn_pread = f)(fd, buffer, n, at);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_write: Libc["write"] | undefined;
/** write(2). Returns how many bytes went, which may be fewer; see {@link writeAll}. */
export function write(fd: number, buffer: Uint8Array): number {
  const n = BigInt(Math.min(buffer.length, MAX_RW_COUNT));
  for (;;) {
    const r = fn_write?.(fd, buffer, n) ?? bind("write", (f) => fn_write = f)(fd, buffer, n);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_pwrite: Libc["pwrite"] | undefined;
/** pwrite(2). */
export function pwrite(fd: number, buffer: Uint8Array, offset: number): number {
  const n = BigInt(Math.min(buffer.length, MAX_RW_COUNT));
  const at = BigInt(offset);
  for (;;) {
    const r = fn_pwrite?.(fd, buffer, n, at) ??
      bind("pwrite", (f) => fn_pwrite = f)(fd, buffer, n, at);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

/** write(2) until all is written. Returns 0 or `-errno`. */
export function writeAll(fd: number, buffer: Uint8Array): number {
  let r = write(fd, buffer);
  if (r === buffer.length) return 0;
  for (let done = 0; r >= 0;) {
    done += r;
    if (done === buffer.length) return 0;
    // A write of more than 0 bytes that moves none and gives no error would go round for ever.
    if (r === 0) return -EIO;
    r = write(fd, buffer.subarray(done));
  }
  return r;
}

let fn_ftruncate: Libc["ftruncate"] | undefined;
/** ftruncate(2). */
export function ftruncate(fd: number, size: number): number {
  const n = BigInt(size);
  for (;;) {
    const r = fn_ftruncate?.(fd, n) ?? bind("ftruncate", (f) => fn_ftruncate = f)(fd, n);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_lseek: Libc["lseek"] | undefined;
let fn_lseekWide: Libc["lseekWide"] | undefined;
/**
 * lseek(2). Returns the new offset.
 *
 * An offset needs 64 bits, and with a 64-bit result errno cannot be read safely. So a failure is asked for again with a
 * 32-bit result; a failing lseek moves nothing, and the second one fails as the first did.
 */
export function lseek(fd: number, offset: number, whence: number): number {
  const at = BigInt(offset);
  const result = Number(
    fn_lseekWide?.(fd, at, whence) ?? bind("lseekWide", (f) => fn_lseekWide = f)(fd, at, whence),
  );
  if (result >= 0) return result;
  const r = fn_lseek?.(fd, at, whence) ?? bind("lseek", (f) => fn_lseek = f)(fd, at, whence);
  return r === -1 ? -errno[0] : lseek(fd, offset, whence);
}

let fn_fallocate: Libc["fallocate"] | undefined;
/** fallocate(2). */
export function fallocate(fd: number, mode: number, offset: number, length: number): number {
  const at = BigInt(offset);
  const n = BigInt(length);
  for (;;) {
    const r = fn_fallocate?.(fd, mode, at, n) ??
      bind("fallocate", (f) => fn_fallocate = f)(fd, mode, at, n);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_fadvise: Libc["posix_fadvise"] | undefined;
/** posix_fadvise(2); a length of 0 reaches to the end. */
export function posixFadvise(fd: number, offset: number, length: number, advice: number): number {
  // The one that returns its error number and leaves errno alone.
  return -(fn_fadvise?.(fd, BigInt(offset), BigInt(length), advice) ??
    bind("posix_fadvise", (f) => fn_fadvise = f)(fd, BigInt(offset), BigInt(length), advice));
}

let fn_sync_file_range: Libc["sync_file_range"] | undefined;
/** sync_file_range(2); a length of 0 reaches to the end. Starts write-back: no promise of durability. */
export function sync_file_range(fd: number, offset: number, length: number, flags: number): number {
  const r = fn_sync_file_range?.(fd, BigInt(offset), BigInt(length), flags) ??
    bind("sync_file_range", (f) => fn_sync_file_range = f)(
      fd,
      BigInt(offset),
      BigInt(length),
      flags,
    );
  return r < 0 ? -errno[0] : r;
}

let fn_fsync: Libc["fsync"] | undefined;
/** fsync(2), of a file or a directory. */
export function fsync(fd: number): number {
  for (;;) {
    const r = fn_fsync?.(fd) ?? bind("fsync", (f) => fn_fsync = f)(fd);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}

let fn_syncfs: Libc["syncfs"] | undefined;
/** syncfs(2): the whole filesystem that holds the file. Since Linux 5.8 it also reports write-back errors. */
export function syncfs(fd: number): number {
  const r = fn_syncfs?.(fd) ?? bind("syncfs", (f) => fn_syncfs = f)(fd);
  return r < 0 ? -errno[0] : r;
}

const F_SETFD = 2;
const FD_CLOEXEC = 1;
let fn_fcntlFlags: Libc["fcntlFlags"] | undefined;
/** fcntl(2), F_SETFD: a program that is executed does not get the descriptor. */
export function setCloseOnExec(fd: number): number {
  const r = fn_fcntlFlags?.(fd, F_SETFD, FD_CLOEXEC) ??
    bind("fcntlFlags", (f) => fn_fcntlFlags = f)(fd, F_SETFD, FD_CLOEXEC);
  return r < 0 ? -errno[0] : r;
}

/** fcntl(2): take or give up a lock of the open file description, or fail with EAGAIN. */
const F_OFD_SETLK = 37;
const F_RDLCK = 0;
// struct flock of 64-bit systems: type and whence are 16 bits; start and length 0 are the whole file.
const wholeFile = new Uint8Array(32);
let fn_fcntl: Libc["fcntlLock"] | undefined;
/**
 * Takes a shared record lock on a whole file, for as long as the open file description lives: fcntl(2), F_OFD_SETLK. It keeps out those
 * who lock with F_SETLK or lockf(3), which flock(2) does not. -EAGAIN or -EACCES: somebody has it exclusively.
 */
export function lockRecords(fd: number): number {
  new DataView(wholeFile.buffer).setInt16(0, F_RDLCK, true);
  const r = fn_fcntl?.(fd, F_OFD_SETLK, wholeFile) ??
    bind("fcntlLock", (f) => fn_fcntl = f)(fd, F_OFD_SETLK, wholeFile);
  return r < 0 ? -errno[0] : r;
}

let fn_flock: Libc["flock"] | undefined;
/** flock(2). Without LOCK_NB it blocks this thread, event loop and all, until it has the lock. */
export function flock(fd: number, operation: number): number {
  for (;;) {
    const r = fn_flock?.(fd, operation) ?? bind("flock", (f) => fn_flock = f)(fd, operation);
    if (r >= 0) return r;
    const e = errno[0];
    if (e !== EINTR) return -e;
  }
}
