/**
 * The marks by which composefs keeps whiteouts in an image, on inodes as they are read from there.
 *
 * @module
 */

import {
  ESCAPED_OVERLAY,
  OPAQUE_MARKS,
  OVERLAY,
  WHITEOUT_MARKS,
  WHITEOUTS_MARKS,
} from "./erofs_format.ts";
import { type ByteString, type Inode, S_IFCHR, S_IFMT, S_IFREG } from "./inode.ts";

const LETTER_X = 0x78;
/** The names that marks have once they are un-escaped. */
const unescaped = (name: ByteString): ByteString =>
  name.startsWith(ESCAPED_OVERLAY) ? OVERLAY + name.slice(ESCAPED_OVERLAY.length) : name;
const WHITEOUT = WHITEOUT_MARKS.map(unescaped);
const WHITEOUTS = WHITEOUTS_MARKS.map(unescaped);
const OPAQUE_X = OPAQUE_MARKS.map(unescaped);

/** Whether a file has the marks of a whiteout. */
export function isMarkedWhiteout(inode: Inode): boolean {
  return inode.xattrs !== null && inode.size === 0 && (inode.mode & S_IFMT) === S_IFREG &&
    WHITEOUT.every((name) => inode.xattrs!.get(name)?.length === 0);
}

/** Whether a directory has the marks of one that holds whiteouts, as an image of that version has them. */
export function holdsMarkedWhiteouts({ xattrs }: Inode, version: number): boolean {
  return xattrs !== null && WHITEOUTS.every((name) => xattrs.get(name)?.length === 0) &&
    (version === 0 || OPAQUE_X.every((name) => isLetterX(xattrs.get(name))));
}

/** Makes a marked file a whiteout again. */
export function restoreWhiteout(inode: Inode): void {
  inode.mode = inode.mode & ~S_IFMT | S_IFCHR;
  deleteAll(inode, WHITEOUT);
}

/** Removes the marks of a directory. */
export function restoreDirectory(inode: Inode, version: number): void {
  deleteAll(inode, WHITEOUTS);
  if (version > 0) deleteAll(inode, OPAQUE_X);
}

function isLetterX(value: Uint8Array | undefined): boolean {
  return value?.length === 1 && value[0] === LETTER_X;
}

function deleteAll(inode: Inode, names: readonly ByteString[]): void {
  for (const name of names) inode.xattrs?.delete(name);
  if (inode.xattrs?.size === 0) inode.xattrs = null;
}
