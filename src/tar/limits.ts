/**
 * How large what an archive says may be.
 *
 * @module
 */

import { LaminaError } from "../error.ts";

/** Bounds that keep a hostile archive from taking memory or time without end. All can be raised by who reads it. */
export interface TarLimits {
  /** Entries of one archive. */
  readonly entries: number;
  /** Bytes of a path or a hard link's target. */
  readonly pathBytes: number;
  /** Bytes of a symbolic link's target. */
  readonly symlinkBytes: number;
  /** Bytes of the extended headers (PAX, or GNU long name) before one entry. */
  readonly headerBytes: number;
  /** Extended attributes of one entry. */
  readonly xattrs: number;
  /** Bytes of one extended attribute's value. */
  readonly xattrValueBytes: number;
  /** Bytes of one entry's extended attributes, names and values together. */
  readonly xattrBytes: number;
  /** Bytes of one file, holes included. */
  readonly fileBytes: number;
  /** Data parts of one sparse file. */
  readonly sparseParts: number;
}

/**
 * The defaults: what Linux can have in a filesystem, where it sets a bound (PATH_MAX, a 64 KiB attribute); else far
 * beyond what real images hold.
 */
export const DEFAULT_TAR_LIMITS: TarLimits = {
  entries: 4_000_000,
  pathBytes: 4095,
  symlinkBytes: 4095,
  headerBytes: 16 * 1024 * 1024,
  xattrs: 256,
  // What an EROFS inode can hold: xattrs take at most 32767 bytes of it.
  xattrValueBytes: 32_000,
  xattrBytes: 32_000,
  fileBytes: 2 ** 40,
  sparseParts: 1_000_000,
};

/**
 * The error for a limit that an archive goes beyond. Every message names the limit, and every hint says how to raise it.
 *
 * @param where What was being read, for the head of the message.
 * @param what What is too large, with its size.
 */
export function limitError<L extends string>(
  where: string,
  what: string,
  limit: L,
  value: number,
): LaminaError {
  return new LaminaError("invalid", `${where}: ${what}, over the limit ${limit} = ${value}`, {
    hint: `If you trust where this comes from, raise the limit ${limit}.`,
  });
}

/** The error for a sparse file of too many parts. */
export function tooManyParts(where: string, parts: number, limits: TarLimits): LaminaError {
  return limitError(where, `a sparse file has ${parts} parts`, "sparseParts", limits.sparseParts);
}
