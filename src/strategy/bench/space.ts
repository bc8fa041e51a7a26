/**
 * Room on a disk.
 *
 * @module
 */

import { Fd, fstatfs, O_DIRECTORY, O_RDONLY } from "../../linux/mod.ts";

/** Bytes that a user may still fill in the filesystem of a directory: statfs(2). */
export function freeBytes(path: string): number {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  const { blockSize, available } = fstatfs(directory.n);
  return blockSize * available;
}
