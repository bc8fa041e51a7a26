/**
 * Bytes as text, as composefs' tools print them: composefs-dump(5), "Escaping".
 *
 * @module
 */

import type { ByteString } from "./inode.ts";

const SPACE = 0x20;
const BACKSLASH = 0x5c;
const HEX = "0123456789abcdef";

/** For each byte what stands for it, or null where it stands for itself. */
export const ESCAPED: readonly (string | null)[] = Array.from({ length: 256 }, (_, byte) => {
  if (byte === BACKSLASH) return "\\\\";
  if (byte === 0x0a) return "\\n";
  if (byte === 0x0d) return "\\r";
  if (byte === 0x09) return "\\t";
  return byte > SPACE && byte < 0x7f ? null : `\\x${HEX[byte >> 4]}${HEX[byte & 15]}`;
});

/**
 * Bytes as printable ASCII.
 *
 * @param spaces Whether a space stands for itself.
 */
export function escapeBytes(bytes: ByteString, spaces = false): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes.charCodeAt(i);
    text += spaces && byte === SPACE ? " " : ESCAPED[byte] ?? bytes[i];
  }
  return text;
}
