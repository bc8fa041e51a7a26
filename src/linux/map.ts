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

let fn_mmap: Libc["mmap"] | undefined;
let fn_munmap: Libc["munmap"] | undefined;

/**
 * Writes to the beginning of a file by a shared mapping, as programs do that keep files in memory.
 *
 * @param fd Open for reading and writing; the file is at least as long as the bytes.
 * @throws {SysError}
 */
export function writeMapped(fd: number, bytes: Uint8Array): void {
  const map = fn_mmap ??= bind("mmap");
  const size = BigInt(bytes.length);
  const address = map(0n, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0n);
  if (address === MAP_FAILED) check(-errno[0], "mmap", `descriptor ${fd}`);
  const pointer = Deno.UnsafePointer.create(BigInt.asUintN(64, address))!;
  new Uint8Array(Deno.UnsafePointerView.getArrayBuffer(pointer, bytes.length)).set(bytes);
  const unmap = fn_munmap ??= bind("munmap");
  check(unmap(BigInt.asUintN(64, address), size), "munmap", `descriptor ${fd}`);
}
