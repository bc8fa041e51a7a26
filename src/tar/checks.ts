/**
 * What an entry may be: its type, its names, its attributes.
 *
 * @module
 */

import { limitError, type Limits } from "../limits.ts";
import type { ByteString } from "../tree/inode.ts";
import type { TarEntry, TarType } from "./entry.ts";
import { malformed } from "./malformed.ts";

/** Type flag of a sparse file of GNU's old format: `S`. */
export const GNU_SPARSE = 0x53;
/** Type flag of GNU's incremental directory: `D`. */
export const GNU_DIRECTORY = 0x44;
/** Type flag of a directory: `5`. */
export const DIRECTORY = 0x35;

/**
 * The type of an entry.
 *
 * @returns Undefined for types that are not supported.
 */
export function typeOfFlag(flag: number, name: ByteString): TarType | undefined {
  switch (flag) {
    case 0x00: // before POSIX
    case 0x30: // 0
    case 0x37: // 7: contiguous
      // Before POSIX a directory was a file with a slash behind its name.
      return name.endsWith("/") ? "directory" : "file";
    case GNU_SPARSE:
      return "file";
    case 0x31:
      return "link";
    case 0x32:
      return "symlink";
    case 0x33:
      return "char";
    case 0x34:
      return "block";
    case DIRECTORY:
    case GNU_DIRECTORY:
      return "directory";
    case 0x36:
      return "fifo";
  }
}

/** A type flag as messages show it. */
export function showFlag(flag: number): string {
  return flag > 0x20 && flag < 0x7f ? `'${String.fromCharCode(flag)}'` : `0x${flag.toString(16)}`;
}

/**
 * Checks an entry's name and target, and takes away the target of what is no link.
 *
 * @param where Head of error messages; asked for only then.
 * @throws {LaminaError} `invalid`.
 */
export function checkNames(entry: TarEntry, limits: Limits, where: () => string): void {
  const { pathBytes, symlinkBytes } = limits;
  if (entry.name.length > pathBytes) {
    throw limitError(where(), `a path has ${entry.name.length} bytes`, "pathBytes", pathBytes);
  }
  if (entry.type !== "symlink" && entry.type !== "link") {
    entry.link = "";
    return;
  }
  const what = `its target has ${entry.link.length} bytes`;
  if (entry.type === "symlink" && entry.link.length > symlinkBytes) {
    throw limitError(where(), what, "symlinkBytes", symlinkBytes);
  }
  if (entry.type === "link" && entry.link.length > pathBytes) {
    throw limitError(where(), what, "pathBytes", pathBytes);
  }
  if (entry.link === "") throw malformed(where(), "a link without a target");
}

/**
 * The attributes of an entry: its own, and those of global headers that it has none of its own for.
 *
 * @param where Head of error messages; asked for only then.
 * @throws {LaminaError} `invalid`: too many bytes.
 */
export function mergeXattrs(
  own: Map<ByteString, Uint8Array> | null,
  common: Map<ByteString, Uint8Array> | null,
  limits: Limits,
  where: () => string,
): Map<ByteString, Uint8Array> | null {
  const all = common === null ? own : new Map([...common, ...own ?? []]);
  if (all === null) return null;
  let bytes = 0;
  // As EROFS counts: 7 bytes for each beside name and value.
  for (const [key, value] of all) bytes += 7 + key.length + value.length;
  if (bytes > limits.xattrBytes) {
    const what = `its extended attributes take ${bytes} bytes`;
    throw limitError(where(), what, "xattrBytes", limits.xattrBytes);
  }
  return all;
}
