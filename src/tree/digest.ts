/**
 * Digests as text, and where content objects are.
 *
 * @module
 */

import type { ByteString } from "./inode.ts";

const SLASH = 0x2f;

/** Lower-case hexadecimal digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** The path of a content object below the object directory: `ab/cdef…`, as composefs has it. */
export function objectPath(digest: Uint8Array): ByteString {
  const hex = toHex(digest);
  return hex.slice(0, 2) + "/" + hex.slice(2);
}

/** Whether a text among bytes is the {@link objectPath} of a digest. */
export function isObjectPath(
  bytes: Uint8Array,
  start: number,
  length: number,
  digest: Uint8Array,
): boolean {
  if (length !== 2 * digest.length + 1 || bytes[start + 2] !== SLASH) return false;
  for (let i = 0, at = start; i < digest.length; i++, at += i === 1 ? 3 : 2) {
    if (bytes[at] !== digit(digest[i] >> 4) || bytes[at + 1] !== digit(digest[i] & 15)) {
      return false;
    }
  }
  return true;
}

/** A hexadecimal digit as ASCII has it. */
function digit(value: number): number {
  return value + (value < 10 ? 0x30 : 0x57);
}
