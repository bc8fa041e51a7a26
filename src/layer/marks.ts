/**
 * The marks of a layer's tree (`src/tree/marks.ts`) on its inodes.
 *
 * @module
 */

import {
  type ByteString,
  Inode,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../tree/inode.ts";
import { HARDLINK } from "../tree/marks.ts";

/** `y`: opaque, as overlayfs has it. */
export const OPAQUE_VALUE: Uint8Array = new Uint8Array([0x79]);
/** For marks that only have to be there. */
export const EMPTY_VALUE: Uint8Array = new Uint8Array(0);

/** The inode of a whiteout: a character device with number 0:0. */
export function makeWhiteout(): Inode {
  return new Inode(S_IFCHR);
}

/** A directory that other entries imply: 0755, root's, of the epoch, so that it is the same wherever it is made. */
export function makeImplied(): Inode {
  return new Inode(S_IFDIR | 0o755);
}

/** A placeholder for a hard link to a file of a lower layer. */
export function makePlaceholder(target: ByteString): Inode {
  const inode = new Inode(S_IFREG);
  const value = new Uint8Array(target.length);
  for (let i = 0; i < target.length; i++) value[i] = target.charCodeAt(i);
  inode.xattrs = new Map([[HARDLINK, value]]);
  return inode;
}

/** Where a placeholder's link leads; undefined for any other inode. */
export function placeholderTarget(inode: Inode): ByteString | undefined {
  if ((inode.mode & S_IFMT) !== S_IFREG || inode.xattrs === null) return undefined;
  const value = inode.xattrs.get(HARDLINK);
  return value === undefined ? undefined : String.fromCharCode(...value);
}

/** Sets one xattr of an inode. */
export function setXattr(inode: Inode, key: ByteString, value: Uint8Array): void {
  (inode.xattrs ??= new Map()).set(key, value);
}

/**
 * What an entry's xattrs become: without those that overlayfs or the store would take for their own marks, and without
 * those that the kernel has only on files and directories (xattr(7), `user.`).
 *
 * @param type S_IFMT part of the inode's mode.
 * @returns How many were left out. The map is changed in place.
 */
export function dropForeignMarks(xattrs: Map<ByteString, Uint8Array>, type: number): number {
  const before = xattrs.size;
  for (const key of xattrs.keys()) {
    const mark = key.startsWith("trusted.overlay.") || key.startsWith("user.overlay.") ||
      key.startsWith("user.lamina.");
    const impossible = key.startsWith("user.") && type !== S_IFREG && type !== S_IFDIR;
    if (mark || impossible) xattrs.delete(key);
  }
  return before - xattrs.size;
}

/** Whether an inode is a directory. */
export function isDirectory(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFDIR;
}

/** Whether an inode is a symbolic link. */
export function isSymlink(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFLNK;
}
