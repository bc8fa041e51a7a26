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

/** The digest that a path follows from, as {@link objectPath} has it; undefined for any other path. */
export function digestOfPath(path: ByteString): Uint8Array | undefined {
  const found = /^([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(path);
  return found === null ? undefined : Uint8Array.fromHex(found[1] + found[2]);
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

/** Writes the {@link objectPath} of a digest among bytes. */
export function putObjectPath(digest: Uint8Array, out: Uint8Array, at: number): void {
  for (let i = 0; i < digest.length; i++) {
    if (i === 1) out[at++] = SLASH;
    out[at++] = digit(digest[i] >> 4);
    out[at++] = digit(digest[i] & 15);
  }
}

/** A hexadecimal digit as ASCII has it. */
function digit(value: number): number {
  return value + (value < 10 ? 0x30 : 0x57);
}
