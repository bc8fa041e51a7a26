/**
 * Bytes to byte strings and back.
 *
 * @module
 */

import type { ByteString } from "./inode.ts";

type BufferClass = typeof import("node:buffer").Buffer;

/** node:buffer's Buffer, the one fast decoder of Latin-1. Not imported, as that would cost every start 6 ms. */
let buffer: BufferClass | undefined;

function loadBuffer(): BufferClass {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(id: "node:buffer"): typeof import("node:buffer") };
  };
  return process.getBuiltinModule("node:buffer").Buffer;
}

/** A function that gives the byte string of `bytes[start..end)`: for many of them. */
export function byteStrings(bytes: Uint8Array): (start: number, end: number) => ByteString {
  buffer ??= loadBuffer();
  const all = buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return (start, end) => all.toString("latin1", start, end);
}

/** The byte string of `bytes[start..end)`. */
export function byteString(bytes: Uint8Array, start = 0, end = bytes.length): ByteString {
  return byteStrings(bytes)(start, end);
}

/** The bytes of a byte string. */
export function toBytes(text: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
