/**
 * fs-verity of the kernel: `Documentation/filesystems/fsverity.rst`.
 *
 * @module
 */

import { EOVERFLOW } from "./errno.ts";
import { ioctl } from "./ioctl.ts";

const FS_IOC_ENABLE_VERITY = 0x40806685;
const FS_IOC_MEASURE_VERITY = 0xc0046686;
const FS_VERITY_HASH_ALG_SHA256 = 1;
const BLOCK = 4096;

/**
 * FS_IOC_ENABLE_VERITY with SHA-256, blocks of 4096 bytes and no salt: from now on nobody can change the file, and each read
 * is checked.
 *
 * @param fd A regular file, open for reading only, and by nobody for writing.
 * @returns 0 or `-errno`: EEXIST it has it, ETXTBSY somebody writes, EOPNOTSUPP or ENOTTY kernel or filesystem cannot.
 */
export function enableVerity(fd: number): number {
  const words = new Uint32Array(128 / 4);
  words[0] = 1;
  words[1] = FS_VERITY_HASH_ALG_SHA256;
  words[2] = BLOCK;
  return ioctl(fd, FS_IOC_ENABLE_VERITY, words);
}

/**
 * FS_IOC_MEASURE_VERITY: a file's SHA-256 digest, as the kernel enforces it.
 *
 * @param into Receives the 32 bytes.
 * @returns 32, or `-errno`: ENODATA the file has no fs-verity, EOVERFLOW it has one of a longer digest, ENOTTY or EOPNOTSUPP
 * kernel or filesystem cannot.
 */
export function measureVerity(fd: number, into: Uint8Array): number {
  const digest = new Uint8Array(4 + 32);
  const view = new DataView(digest.buffer);
  view.setUint16(2, 32, true);
  const r = ioctl(fd, FS_IOC_MEASURE_VERITY, digest);
  if (r < 0) return r;
  if (view.getUint16(0, true) !== FS_VERITY_HASH_ALG_SHA256) return -EOVERFLOW;
  into.set(digest.subarray(4));
  return 32;
}
