/**
 * Names of extended attributes as the kernel takes them.
 *
 * @module
 */

import { toCString } from "../linux/mod.ts";
import type { ByteString } from "../tree/inode.ts";

const known = new Map<ByteString, Uint8Array>();
/** Layers have a handful of names; a hostile one may not fill the memory with them. */
const MAX_KNOWN = 1000;

/** The NUL-terminated bytes of a name. */
export function xattrKey(key: ByteString): Uint8Array {
  let bytes = known.get(key);
  if (bytes !== undefined) return bytes;
  bytes = toCString(key);
  if (known.size < MAX_KNOWN) known.set(key, bytes);
  return bytes;
}
