/**
 * Paths and names as C strings.
 *
 * @module
 */

/**
 * A path or a name for the kernel. Bytes pass as they are and must hold a NUL, which ends them; a string is encoded as UTF-8.
 */
export type CPath = Uint8Array | string;

// The kernel takes no path of PATH_MAX (4096) bytes or more: a longer string fills the buffer without a NUL and the
// kernel answers ENAMETOOLONG before it reads past the end.
const SCRATCH = 4352;
const first = new Uint8Array(SCRATCH);
const second = new Uint8Array(SCRATCH);
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function encode(path: string, into: Uint8Array): Uint8Array {
  if (path.includes("\0")) throw new TypeError(`a path holds a NUL: ${JSON.stringify(path)}`);
  const { written } = encoder.encodeInto(path, into);
  if (written < SCRATCH) into[written] = 0;
  return into;
}

/**
 * The bytes of a path, valid until the next call. For the first string argument of a system call.
 *
 * @throws {TypeError} If a string holds a NUL.
 */
export function cpath(path: CPath): Uint8Array {
  return typeof path === "string" ? encode(path, first) : path;
}

/** The same with a buffer of its own, for the second string argument of a system call. */
export function cpath2(path: CPath): Uint8Array {
  return typeof path === "string" ? encode(path, second) : path;
}

/** A path as a C string of its own. */
export function cstring(path: CPath): Uint8Array {
  if (typeof path !== "string") return path;
  if (path.includes("\0")) throw new TypeError(`a path holds a NUL: ${JSON.stringify(path)}`);
  return encoder.encode(path + "\0");
}

/** The length of a C string: how many bytes stand before its NUL. */
export function cstringLength(bytes: Uint8Array): number {
  const end = bytes.indexOf(0);
  return end < 0 ? bytes.length : end;
}

/** A C string of its own, from a string of bytes (one character, U+0000 to U+00FF, for each). */
export function toCString(bytes: string): Uint8Array<ArrayBuffer> {
  const length = bytes.length;
  const result = new Uint8Array(length + 1);
  for (let i = 0; i < length; i++) result[i] = bytes.charCodeAt(i);
  return result;
}

/** The string of bytes (one character for each) that a C string holds. */
export function fromCString(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes.subarray(0, cstringLength(bytes)));
}

/** A path or name as a person should read it: UTF-8 where it is that, control and other bytes as `\xNN`. */
export function displayPath(path: CPath): string {
  const text = typeof path === "string" ? path : decode(path.subarray(0, cstringLength(path)));
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]/g, (c) => escape(c.charCodeAt(0)));
}

function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    let result = "";
    for (const byte of bytes) result += byte < 0x80 ? String.fromCharCode(byte) : escape(byte);
    return result;
  }
}

function escape(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
