/**
 * Paths as bytes, of any length.
 *
 * @module
 */

import {
  close,
  displayPath,
  ENAMETOOLONG,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openat,
  SysError,
} from "../../linux/mod.ts";

/** What the kernel takes in one call (PATH_MAX), its NUL included. */
export const PATH_MAX = 4096;
const SLASH = 0x2f;
const STEP = O_PATH | O_DIRECTORY | O_NOFOLLOW;
const DOT = new Uint8Array([0x2e, 0]);

/**
 * The path of where a walk is, relative to where it began: a stack of names in one buffer, so that going down and up makes no garbage.
 */
export class WalkPath {
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(2 * PATH_MAX);
  #length = 0;

  /** Bytes without a NUL. */
  get length(): number {
    return this.#length;
  }

  /** Starts anew at a path (without a NUL, without slashes at either end; empty for where the walk began). */
  reset(path: Uint8Array): void {
    this.#reserve(path.length);
    this.#bytes.set(path);
    this.#length = path.length;
  }

  /** Goes down into a name, NUL-terminated. */
  push(name: Uint8Array): void {
    this.#reserve(this.#length + name.length + 2);
    const bytes = this.#bytes;
    let length = this.#length;
    if (length > 0) bytes[length++] = SLASH;
    for (let i = 0; name[i] !== 0; i++) bytes[length++] = name[i];
    this.#length = length;
  }

  /** Goes back to a length that {@link length} had. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** The path, NUL-terminated, for a call at once; `.` for the beginning itself. Valid until the path changes. */
  get bytes(): Uint8Array {
    if (this.#length === 0) return DOT;
    this.#bytes[this.#length] = 0;
    return this.#bytes.subarray(0, this.#length + 1);
  }

  /** A copy of the path of a name here, NUL-terminated. */
  child(name: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.childAt(this.#length, name);
  }

  /** The same of a name further up, where the path had that length. */
  childAt(length: number, name: Uint8Array): Uint8Array<ArrayBuffer> {
    const start = length === 0 ? 0 : length + 1;
    const end = start + nameLength(name);
    const path = new Uint8Array(end + 1);
    path.set(this.#bytes.subarray(0, length));
    if (start > 0) path[length] = SLASH;
    path.set(name.subarray(0, end - start), start);
    return path;
  }

  #reserve(length: number): void {
    if (length <= this.#bytes.length) return;
    const larger = new Uint8Array(2 * length);
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Length of a name that may have a NUL behind it. */
export function nameLength(name: Uint8Array): number {
  const end = name.indexOf(0);
  return end < 0 ? name.length : end;
}

/**
 * Opens a path below a directory, however long, following no link at its end or, where it is too long for one call, on the way.
 *
 * @param path NUL-terminated.
 * @returns The descriptor or `-errno`.
 */
export function openBelow(directory: number, path: Uint8Array, flags: number): number {
  const direct = path.length <= PATH_MAX
    ? openat(directory, path, flags | O_NOFOLLOW)
    : -ENAMETOOLONG;
  if (direct !== -ENAMETOOLONG) return direct;
  return withParent(directory, path, (parent, name) => openat(parent, name, flags | O_NOFOLLOW));
}

/**
 * Calls a function with the directory of a path and its last name: for calls that take a path relative to a directory, where the path
 * may be too long.
 *
 * @param path NUL-terminated.
 * @returns What the function returned, or `-errno` where the directory cannot be opened.
 */
export function withParent(
  directory: number,
  path: Uint8Array,
  call: (parent: number, name: Uint8Array) => number,
): number {
  if (path.length <= PATH_MAX) return call(directory, path);
  let at = directory;
  let start = 0;
  try {
    while (path.length - start > PATH_MAX) {
      const slash = path.lastIndexOf(SLASH, start + PATH_MAX - 2);
      const part = path.slice(start, slash + 1);
      part[slash - start] = 0;
      const next = openat(at, part, STEP);
      if (next < 0) return next;
      if (at !== directory) close(at);
      at = next;
      start = slash + 1;
    }
    return call(at, path.subarray(start));
  } finally {
    if (at !== directory) close(at);
  }
}

/** Like `check`, with a subject that is decoded only when it is needed. */
export function must(result: number, syscall: string, subject: Uint8Array): number {
  if (result < 0) throw new SysError(-result, syscall, displayPath(subject));
  return result;
}
