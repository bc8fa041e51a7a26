/**
 * How a layer's files stand on disk: as they are, or as files of a user who may not make them so.
 *
 * @module
 */

import type { Inode } from "../tree/inode.ts";

/**
 * Gives things on disk their metadata. Names are NUL-terminated, and nothing that they name is followed if it is a symbolic link.
 * Every method throws a SysError.
 */
export interface DiskForm {
  /** Permission bits to create a regular file with; {@link file} sets what is missing. */
  permissions(inode: Inode): number;
  /** Gives a regular file its metadata, after its content. */
  file(fd: number, inode: Inode): void;
  /** Gives a directory its metadata and what of its marks overlayfs is to see, after its entries. */
  directory(fd: number, inode: Inode): void;
  /** Makes a symbolic link. */
  symlink(dir: number, name: Uint8Array, inode: Inode, target: Uint8Array): void;
  /** Makes a device or a fifo. */
  special(dir: number, name: Uint8Array, inode: Inode): void;
  /** Makes a whiteout. `parent` is the directory that it is in. */
  whiteout(dir: number, name: Uint8Array, parent: Inode): void;
}
