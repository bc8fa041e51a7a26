/**
 * Names as the kernel takes them, without garbage.
 *
 * @module
 */

import { check, displayPath } from "../linux/mod.ts";
import type { ByteString } from "../tree/inode.ts";

/** A buffer that turns one string of bytes after the other into a NUL-terminated name. */
export class NameBuffer {
  #bytes = new Uint8Array(4200);

  /** The bytes of a name, valid until the next call. */
  set(name: ByteString): Uint8Array {
    const length = name.length;
    if (length >= this.#bytes.length) this.#bytes = new Uint8Array(length + 1);
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) bytes[i] = name.charCodeAt(i);
    bytes[length] = 0;
    return bytes;
  }
}

/**
 * `check` for a name: makes text of it only for the error.
 *
 * @throws {SysError}
 */
export function must(result: number, syscall: string, name: Uint8Array): number {
  return result < 0 ? check(result, syscall, displayPath(name)) : result;
}
