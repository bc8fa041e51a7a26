/**
 * What is in a tree.
 *
 * @module
 */

import type { Numbering } from "./erofs_numbering.ts";
import { type Inode, S_IFMT, S_IFREG } from "./inode.ts";

/** How much is in a tree. */
export interface TreeCounts {
  /** Directories, with the root. */
  readonly directories: number;
  /** All other entries: every name of a hard link counts. */
  readonly files: number;
  /** Bytes of content of regular files, once for each inode. */
  readonly bytes: number;
  /** Regular files of more than {@link BLOCK} bytes, once for each inode. */
  readonly large: number;
}

/** A block of most filesystems, and a page: what has to do with larger files costs another thing. */
export const BLOCK = 4096;

/** Counts what is in a tree, whose link counts are right ({@link countLinks}). */
export function countTree(root: Inode): TreeCounts {
  let directories = 0;
  let files = 0;
  let bytes = 0;
  let large = 0;
  const links = new Set<Inode>();
  for (const children of eachDirectory(root)) {
    directories++;
    for (const inode of children.values()) {
      if (inode.children !== null) continue;
      files++;
      if ((inode.mode & S_IFMT) !== S_IFREG) continue;
      if (inode.nlink !== 1) {
        if (links.has(inode)) continue;
        links.add(inode);
      }
      bytes += inode.size;
      if (inode.size > BLOCK) large++;
    }
  }
  return { directories, files, bytes, large };
}

/** As {@link countTree}, of a tree that was ordered. */
export function countNumbered({ names, entryOfDirectory, stubs, inodes }: Numbering): TreeCounts {
  const directories = entryOfDirectory.length;
  const files = names.length - stubs - directories;
  let bytes = 0;
  let large = 0;
  for (let place = 0; place < inodes.length; place++) {
    if ((inodes.modes[place] & S_IFMT) !== S_IFREG) continue;
    bytes += inodes.sizes[place];
    if (inodes.sizes[place] > BLOCK) large++;
  }
  return { directories, files, bytes, large };
}

/** Sets the link count of every inode that is not a directory to the number of its names in the tree. */
export function countLinks(root: Inode): void {
  const seen = new Set<Inode>();
  for (const children of eachDirectory(root)) {
    for (const inode of children.values()) {
      if (inode.children !== null) continue;
      if (seen.has(inode)) {
        inode.nlink++;
      } else {
        seen.add(inode);
        inode.nlink = 1;
      }
    }
  }
}

function* eachDirectory(root: Inode): Generator<NonNullable<Inode["children"]>> {
  const stack = [root];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (top.children === null) continue;
    yield top.children;
    for (const inode of top.children.values()) if (inode.children !== null) stack.push(inode);
  }
}
