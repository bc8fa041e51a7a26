/**
 * Names of xattrs, split the way EROFS stores them: a number for the prefix, and the rest.
 *
 * @module
 */

import { XATTR_PREFIXES } from "./erofs_format.ts";
import type { ByteString } from "./inode.ts";
import { toBytes } from "./latin1.ts";

/** Prefixes of names by their index; undefined for an index that there is none for. */
export const PREFIX_BYTES: readonly (Uint8Array | undefined)[] = (() => {
  const bytes: (Uint8Array | undefined)[] = [new Uint8Array(0)];
  for (const { index, prefix } of XATTR_PREFIXES) bytes[index] = toBytes(prefix);
  return bytes;
})();

/** A name, split. */
export interface SplitName {
  /** Which prefix it has, 0 for none. */
  readonly index: number;
  /** What follows the prefix. */
  readonly suffix: Uint8Array;
}

/** Splits a name. */
export function splitName(name: ByteString): SplitName {
  const found = XATTR_PREFIXES.find(({ prefix }) => name.startsWith(prefix));
  return { index: found?.index ?? 0, suffix: toBytes(name.slice(found?.prefix.length ?? 0)) };
}
