/**
 * Files in memory: mmap(2).
 *
 * @module
 */

import { check } from "./errno.ts";
import { bind, errno, type Libc } from "./libc.ts";

const PROT_READ = 1;
const PROT_WRITE = 2;
const MAP_SHARED = 1;
const MAP_FAILED = -1n;
const MADV_DONTNEED = 4;

let fn_mmap: Libc["mmap"] | undefined;
let fn_madvise: Libc["madvise"] | undefined;
let fn_munmap: Libc["munmap"] | undefined;

/** The bytes of a file as long as this lives: of a large one, only what is looked at is read. */
export class MappedFile implements Disposable {
  /** They must not be touched after disposal, nor may the file become shorter before: the process would be ended by a signal. */
  readonly bytes: Uint8Array;
  readonly #address: bigint;

  /**
   * @param fd Open for reading; it may be closed afterwards.
   * @param size Bytes of the file, more than none.
   * @throws {SysError}
   */
  constructor(fd: number, size: number) {
    this.#address = map(fd, size, PROT_READ);
    this.bytes = memory(this.#address, size);
  }

  /** Lets go what was read so far: what is looked at again is read again, most likely out of the page cache. */
  forget(): void {
    const f = fn_madvise ?? bind("madvise", (f) => fn_madvise = f);
    const result = f(this.#address, BigInt(this.bytes.length), MADV_DONTNEED);
    check(result < 0 ? -errno[0] : result, "madvise", "a file");
  }

  [Symbol.dispose](): void {
    unmap(this.#address, this.bytes.length);
  }
}

/**
 * Writes to the beginning of a file by a shared mapping, as programs do that keep files in memory.
 *
 * @param fd Open for reading and writing; the file is at least as long as the bytes.
 * @throws {SysError}
 */
export function writeMapped(fd: number, bytes: Uint8Array): void {
  const address = map(fd, bytes.length, PROT_READ | PROT_WRITE);
  memory(address, bytes.length).set(bytes);
  unmap(address, bytes.length);
}

function map(fd: number, size: number, protection: number): bigint {
  const address = fn_mmap?.(0n, BigInt(size), protection, MAP_SHARED, fd, 0n) ??
    bind("mmap", (f) => fn_mmap = f)(0n, BigInt(size), protection, MAP_SHARED, fd, 0n);
  if (address === MAP_FAILED) check(-errno[0], "mmap", `descriptor ${fd}`);
  return BigInt.asUintN(64, address);
}

function memory(address: bigint, size: number): Uint8Array {
  const pointer = Deno.UnsafePointer.create(address)!;
  return new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, size));
}

function unmap(address: bigint, size: number): void {
  const result = fn_munmap?.(address, BigInt(size)) ??
    bind("munmap", (f) => fn_munmap = f)(address, BigInt(size));
  check(result < 0 ? -errno[0] : result, "munmap", "a file");
}
