/**
 * Names in directories: make, link, rename, remove, read a link; and the metadata of what they name.
 *
 * All return the kernel's result or `-errno`. None of them makes garbage when the names are bytes.
 *
 * @module
 */

import { SYS } from "./abi.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath, cpath2 } from "./path.ts";

let fn_mkdirat: Libc["mkdirat"] | undefined;
/** mkdirat(2). The umask takes bits away from `mode`. */
export function mkdirat(dir: number, name: CPath, mode: number): number {
  const r = fn_mkdirat?.(dir, cpath(name), mode) ??
    bind("mkdirat", (f) => fn_mkdirat = f)(dir, cpath(name), mode);
  return r < 0 ? -errno[0] : r;
}

let fn_linkat: Libc["linkat"] | undefined;
/** linkat(2). A symbolic link is linked itself, unless `flags` has AT_SYMLINK_FOLLOW. */
export function linkat(
  oldDir: number,
  oldName: CPath,
  newDir: number,
  newName: CPath,
  flags = 0,
): number {
  const r = fn_linkat?.(oldDir, cpath(oldName), newDir, cpath2(newName), flags) ??
    bind("linkat", (f) => fn_linkat = f)(oldDir, cpath(oldName), newDir, cpath2(newName), flags);
  return r < 0 ? -errno[0] : r;
}

let fn_symlinkat: Libc["symlinkat"] | undefined;
/** symlinkat(2). */
export function symlinkat(target: CPath, dir: number, name: CPath): number {
  const r = fn_symlinkat?.(cpath(target), dir, cpath2(name)) ??
    bind("symlinkat", (f) => fn_symlinkat = f)(cpath(target), dir, cpath2(name));
  return r < 0 ? -errno[0] : r;
}

let fn_readlinkat: Libc["readlinkat"] | undefined;
/** readlinkat(2). Returns the length, which is `buffer.length` if the target was cut; puts no NUL behind it. */
export function readlinkat(dir: number, name: CPath, buffer: Uint8Array): number {
  const r = fn_readlinkat?.(dir, cpath(name), buffer, BigInt(buffer.length)) ??
    bind("readlinkat", (f) => fn_readlinkat = f)(dir, cpath(name), buffer, BigInt(buffer.length));
  return r < 0 ? -errno[0] : r;
}

let fn_mknodat: Libc["sysMknodat"] | undefined;
/**
 * mknodat(2). `mode` holds the type; the umask takes bits away.
 *
 * @param rdev Device number in the kernel's 32-bit encoding: 12 bits major from bit 8, 20 bits minor around them.
 */
export function mknodat(dir: number, name: CPath, mode: number, rdev: number): number {
  const r = fn_mknodat?.(SYS.mknodat, dir, cpath(name), mode, rdev) ??
    bind("sysMknodat", (f) => fn_mknodat = f)(SYS.mknodat, dir, cpath(name), mode, rdev);
  return r < 0 ? -errno[0] : r;
}

let fn_unlinkat: Libc["unlinkat"] | undefined;
/** unlinkat(2); AT_REMOVEDIR in `flags` removes an empty directory. */
export function unlinkat(dir: number, name: CPath, flags = 0): number {
  const r = fn_unlinkat?.(dir, cpath(name), flags) ??
    bind("unlinkat", (f) => fn_unlinkat = f)(dir, cpath(name), flags);
  return r < 0 ? -errno[0] : r;
}

let fn_renameat2: Libc["renameat2"] | undefined;
/** renameat2(2); `flags` is RENAME_NOREPLACE, RENAME_EXCHANGE or 0. */
export function renameat2(
  oldDir: number,
  oldName: CPath,
  newDir: number,
  newName: CPath,
  flags = 0,
): number {
  const r = fn_renameat2?.(oldDir, cpath(oldName), newDir, cpath2(newName), flags) ??
    bind("renameat2", (f) => fn_renameat2 = f)(
      oldDir,
      cpath(oldName),
      newDir,
      cpath2(newName),
      flags,
    );
  return r < 0 ? -errno[0] : r;
}

let fn_fchown: Libc["fchown"] | undefined;
/** fchown(2). Clears setuid, setgid and file capabilities, so set these afterwards. */
export function fchown(fd: number, uid: number, gid: number): number {
  const r = fn_fchown?.(fd, uid, gid) ?? bind("fchown", (f) => fn_fchown = f)(fd, uid, gid);
  return r < 0 ? -errno[0] : r;
}

let fn_fchownat: Libc["fchownat"] | undefined;
/** fchownat(2). Follows a symbolic link unless `flags` has AT_SYMLINK_NOFOLLOW. */
export function fchownat(
  dir: number,
  name: CPath,
  uid: number,
  gid: number,
  flags: number,
): number {
  const r = fn_fchownat?.(dir, cpath(name), uid, gid, flags) ??
    bind("fchownat", (f) => fn_fchownat = f)(dir, cpath(name), uid, gid, flags);
  return r < 0 ? -errno[0] : r;
}

let fn_fchmod: Libc["fchmod"] | undefined;
/** fchmod(2). */
export function fchmod(fd: number, mode: number): number {
  const r = fn_fchmod?.(fd, mode) ?? bind("fchmod", (f) => fn_fchmod = f)(fd, mode);
  return r < 0 ? -errno[0] : r;
}

let fn_fchmodat: Libc["fchmodat"] | undefined;
/** fchmodat(2). It follows a symbolic link: only for names that nobody else can have replaced by one. */
export function fchmodat(dir: number, name: CPath, mode: number): number {
  const r = fn_fchmodat?.(dir, cpath(name), mode, 0) ??
    bind("fchmodat", (f) => fn_fchmodat = f)(dir, cpath(name), mode, 0);
  return r < 0 ? -errno[0] : r;
}

const TWO_32 = 4294967296;
// Two struct timespec, as 32-bit halves so that no BigInt is made: seconds (low, high), nanoseconds (low, high = 0).
const times = new Uint32Array(8);
let fn_utimensat: Libc["utimensat"] | undefined;
let fn_futimens: Libc["futimens"] | undefined;
/**
 * utimensat(2), or futimens(3) where `name` is null: sets both the access and the modification time.
 *
 * @param seconds Whole seconds since the epoch; may be negative.
 * @param nanoseconds 0 to 999,999,999, or UTIME_NOW.
 * @param flags AT_SYMLINK_NOFOLLOW or 0.
 */
export function utimensat(
  dir: number,
  name: CPath | null,
  seconds: number,
  nanoseconds: number,
  flags = 0,
): number {
  const high = Math.floor(seconds / TWO_32);
  times[0] = times[4] = seconds - high * TWO_32;
  times[1] = times[5] = high;
  times[2] = times[6] = nanoseconds;
  if (name === null) {
    const r = fn_futimens?.(dir, times) ?? bind("futimens", (f) => fn_futimens = f)(dir, times);
    return r < 0 ? -errno[0] : r;
  }
  const r = fn_utimensat?.(dir, cpath(name), times, flags) ??
    bind("utimensat", (f) => fn_utimensat = f)(dir, cpath(name), times, flags);
  return r < 0 ? -errno[0] : r;
}
