/**
 * Extended attributes: xattr(7).
 *
 * The functions with `at` act on a name in a directory and never follow a symbolic link that it names. They go through
 * `/proc/self/fd`, because the system calls for it (Linux 6.13) are too new.
 *
 * @module
 */

import { AT_FDCWD } from "./abi.ts";
import { check, ENODATA, ENOTSUP } from "./errno.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath, cpath2, displayPath, fromCString } from "./path.ts";

/** Largest value, and largest list of names, that the kernel has (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
export const XATTR_MAX = 65536;

const PREFIX = new TextEncoder().encode("/proc/self/fd/");
const procPath = new Uint8Array(8192);
procPath.set(PREFIX);

/** The path of a name in a directory, in a buffer that the next call fills again. */
function at(dir: number, name: CPath): Uint8Array {
  const bytes = cpath(name);
  if (dir === AT_FDCWD) return bytes;
  let end = PREFIX.length;
  let scale = 1;
  while (dir / scale >= 10) scale *= 10;
  for (; scale >= 1; scale /= 10) procPath[end++] = 0x30 + Math.floor(dir / scale) % 10;
  procPath[end++] = 0x2f;
  for (let i = 0; i < 4096 && i < bytes.length; i++) {
    const byte = bytes[i];
    procPath[end++] = byte;
    if (byte === 0) break;
  }
  return procPath;
}

let fn_fsetxattr: Libc["fsetxattr"] | undefined;
/** fsetxattr(2); `flags` is XATTR_CREATE, XATTR_REPLACE or 0. Returns 0 or `-errno`. */
export function fsetxattr(fd: number, key: CPath, value: Uint8Array, flags = 0): number {
  const r = fn_fsetxattr?.(fd, cpath2(key), value, BigInt(value.length), flags) ??
    bind("fsetxattr", (f) => fn_fsetxattr = f)(fd, cpath2(key), value, BigInt(value.length), flags);
  return r < 0 ? -errno[0] : r;
}

let fn_lsetxattr: Libc["lsetxattr"] | undefined;
/** lsetxattr(2) of a name in a directory. Returns 0 or `-errno`. */
export function setxattrat(
  dir: number,
  name: CPath,
  key: CPath,
  value: Uint8Array,
  flags = 0,
): number {
  const r = fn_lsetxattr?.(at(dir, name), cpath2(key), value, BigInt(value.length), flags) ??
    bind("lsetxattr", (f) => fn_lsetxattr = f)(
      at(dir, name),
      cpath2(key),
      value,
      BigInt(value.length),
      flags,
    );
  return r < 0 ? -errno[0] : r;
}

let fn_fgetxattr: Libc["fgetxattr"] | undefined;
/** fgetxattr(2). Returns the value's length, or `-errno` (ENODATA: not there; ERANGE: the buffer is too small). */
export function fgetxattr(fd: number, key: CPath, buffer: Uint8Array): number {
  const r = fn_fgetxattr?.(fd, cpath2(key), buffer, BigInt(buffer.length)) ??
    bind("fgetxattr", (f) => fn_fgetxattr = f)(fd, cpath2(key), buffer, BigInt(buffer.length));
  return r < 0 ? -errno[0] : r;
}

let fn_lgetxattr: Libc["lgetxattr"] | undefined;
/** lgetxattr(2) of a name in a directory; result as {@link fgetxattr}. */
export function getxattrat(dir: number, name: CPath, key: CPath, buffer: Uint8Array): number {
  const r = fn_lgetxattr?.(at(dir, name), cpath2(key), buffer, BigInt(buffer.length)) ??
    bind("lgetxattr", (f) => fn_lgetxattr = f)(
      at(dir, name),
      cpath2(key),
      buffer,
      BigInt(buffer.length),
    );
  return r < 0 ? -errno[0] : r;
}

let fn_flistxattr: Libc["flistxattr"] | undefined;
/** flistxattr(2): the names, each with a NUL behind it. Returns their length or `-errno`. */
export function flistxattr(fd: number, buffer: Uint8Array): number {
  const r = fn_flistxattr?.(fd, buffer, BigInt(buffer.length)) ??
    bind("flistxattr", (f) => fn_flistxattr = f)(fd, buffer, BigInt(buffer.length));
  return r < 0 ? -errno[0] : r;
}

let fn_llistxattr: Libc["llistxattr"] | undefined;
/** llistxattr(2) of a name in a directory; result as {@link flistxattr}. */
export function listxattrat(dir: number, name: CPath, buffer: Uint8Array): number {
  const r = fn_llistxattr?.(at(dir, name), buffer, BigInt(buffer.length)) ??
    bind("llistxattr", (f) => fn_llistxattr = f)(at(dir, name), buffer, BigInt(buffer.length));
  return r < 0 ? -errno[0] : r;
}

let fn_fremovexattr: Libc["fremovexattr"] | undefined;
/** fremovexattr(2). Returns 0 or `-errno`. */
export function fremovexattr(fd: number, key: CPath): number {
  const r = fn_fremovexattr?.(fd, cpath2(key)) ??
    bind("fremovexattr", (f) => fn_fremovexattr = f)(fd, cpath2(key));
  return r < 0 ? -errno[0] : r;
}

let fn_lremovexattr: Libc["lremovexattr"] | undefined;
/** lremovexattr(2) of a name in a directory. Returns 0 or `-errno`. */
export function removexattrat(dir: number, name: CPath, key: CPath): number {
  const r = fn_lremovexattr?.(at(dir, name), cpath2(key)) ??
    bind("lremovexattr", (f) => fn_lremovexattr = f)(at(dir, name), cpath2(key));
  return r < 0 ? -errno[0] : r;
}

// Made when first used: most processes read no attributes.
let listBuffer: Uint8Array | undefined;
let valueBuffer: Uint8Array | undefined;

/**
 * All extended attributes of an open file by full name (a string of bytes), or null if it has none or the filesystem knows
 * none. Those that this process may not see (`trusted.` without privilege) are not among them.
 *
 * @throws {SysError}
 */
export function readXattrs(fd: number): Map<string, Uint8Array<ArrayBuffer>> | null {
  const list = listBuffer ??= new Uint8Array(XATTR_MAX);
  return collect(
    flistxattr(fd, list),
    list,
    (key, into) => fgetxattr(fd, key, into),
    () => `descriptor ${fd}`,
  );
}

/**
 * The same for a name in a directory, and of a symbolic link itself.
 *
 * @throws {SysError}
 */
export function readXattrsAt(
  dir: number,
  name: CPath,
): Map<string, Uint8Array<ArrayBuffer>> | null {
  const list = listBuffer ??= new Uint8Array(XATTR_MAX);
  return collect(
    listxattrat(dir, name, list),
    list,
    (key, into) => getxattrat(dir, name, key, into),
    () => displayPath(name),
  );
}

function collect(
  length: number,
  list: Uint8Array,
  get: (key: Uint8Array, into: Uint8Array) => number,
  subject: () => string,
): Map<string, Uint8Array<ArrayBuffer>> | null {
  if (length === 0 || length === -ENOTSUP) return null;
  if (length < 0) check(length, "listxattr", subject());
  const value = valueBuffer ??= new Uint8Array(XATTR_MAX);
  const result = new Map<string, Uint8Array<ArrayBuffer>>();
  for (let start = 0; start < length;) {
    const end = list.indexOf(0, start);
    const key = list.subarray(start, end + 1);
    start = end + 1;
    const r = get(key, value);
    // Removed since the list was read.
    if (r === -ENODATA) continue;
    if (r < 0) check(r, "getxattr", `${displayPath(key)} of ${subject()}`);
    result.set(fromCString(key), value.slice(0, r));
  }
  return result.size === 0 ? null : result;
}
