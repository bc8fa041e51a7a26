/**
 * What a filesystem says of itself.
 *
 * @module
 */

import { check, Fd, fstatfs, ioctl, O_DIRECTORY, O_RDONLY, syncfs } from "../../src/linux/mod.ts";

const FIFREEZE = 0xc0045877;
const FITHAW = 0xc0045878;

/**
 * Bytes in use on the filesystem that a directory is on, once everything is written and what was removed is freed, which XFS and btrfs
 * put off: freezing (ioctl_fsfreeze(2)) has them do it now. Only for filesystems that are a test's own.
 */
export function usedBytes(path: string): number {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  check(syncfs(directory.n), "syncfs", path);
  check(ioctl(directory.n, FIFREEZE, 0), "freeze", path);
  check(ioctl(directory.n, FITHAW, 0), "thaw", path);
  const { blockSize, blocks, free } = fstatfs(directory.n);
  return (blocks - free) * blockSize;
}
