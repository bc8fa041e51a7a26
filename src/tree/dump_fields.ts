/**
 * The fields of a line of a dump: escapes and numbers (composefs-dump(5)).
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { ByteString } from "./inode.ts";

/** The error for a malformed line. */
export function dumpError(line: number, reason: string): LaminaError {
  return new LaminaError("invalid", `line ${line} of the dump: ${reason}`);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\", n: "\n", r: "\r", t: "\t" };

/**
 * Un-escapes a field: `\\`, `\n`, `\r`, `\t`, `\xHH`; there are no others.
 *
 * @param name The field, for the error.
 */
export function unescape(text: string, line: number, name: string): ByteString {
  let at = text.indexOf("\\");
  if (at < 0) return text;
  let out = "";
  let done = 0;
  for (; at >= 0; at = text.indexOf("\\", done)) {
    out += text.slice(done, at);
    const kind = text[at + 1];
    if (kind === "x") {
      const digits = text.slice(at + 2, at + 4);
      if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
        throw dumpError(line, `${name} has \\x without two hexadecimal digits`);
      }
      out += String.fromCharCode(parseInt(digits, 16));
      done = at + 4;
    } else {
      if (kind === undefined) throw dumpError(line, `${name} ends in a backslash`);
      const byte = ESCAPES[kind];
      if (byte === undefined) throw dumpError(line, `${name} has the unknown escape \\${kind}`);
      out += byte;
      done = at + 2;
    }
  }
  return out + text.slice(done);
}

/** Un-escapes a field that must not have a NUL byte. */
export function unescapePlain(text: string, line: number, name: string): ByteString {
  const plain = unescape(text, line, name);
  if (plain !== text && plain.includes("\0")) throw dumpError(line, `${name} has a NUL byte`);
  return plain;
}

/** A decimal number without sign, at most `max`. */
export function decimal(text: string, max: number, line: number, name: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) value = NaN;
    value = value * 10 + digit;
  }
  // Beyond 15 digits, a number may not be what the text says.
  const fits = value <= max && (text.length <= 15 || BigInt(text) <= BigInt(max));
  if (fits && text.length > 0) return value;
  if (/^[0-9]+$/.test(text)) throw dumpError(line, `${name} ${text} is larger than ${max}`);
  throw dumpError(line, `${name} ${JSON.stringify(text)} is not a decimal number`);
}

/** An octal number of at most 16 bits. */
export function octal(text: string, line: number, name: string): number {
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 7) value = NaN;
    value = value * 8 + digit;
  }
  if (value <= 0xffff && text.length > 0) return value;
  if (/^[0-7]+$/.test(text)) throw dumpError(line, `${name} ${text} is larger than 177777`);
  throw dumpError(line, `${name} ${JSON.stringify(text)} is not an octal number`);
}

/** Digests share buffers: one for each would cost more than all else of a line. */
const SLAB = 32 * 1024;
let slab = new ArrayBuffer(SLAB);
let used = 0;

/** 32 bytes as 64 hexadecimal digits. */
export function digestField(text: string, line: number): Uint8Array {
  if (used === slab.byteLength) [slab, used] = [new ArrayBuffer(SLAB), 0];
  const digest = new Uint8Array(slab, used, 32);
  used += 32;
  let valid = text.length === 64;
  for (let i = 0; i < 64 && valid; i++) {
    const digit = hexDigit(text.charCodeAt(i));
    valid = digit >= 0;
    digest[i >> 1] |= i & 1 ? digit : digit << 4;
  }
  if (!valid) throw dumpError(line, "DIGEST is not 64 hexadecimal digits");
  return digest;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  return -1;
}
