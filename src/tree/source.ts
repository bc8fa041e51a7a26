/**
 * Trees as they are written into images.
 *
 * @module
 */

import type { ByteString, Inode } from "./inode.ts";

/** A tree that is gone through once, directory after directory, and need not be in memory as a whole. */
export interface TreeSource {
  /** The root directory. */
  readonly root: Inode;
  /** How many inodes there can be at most. */
  readonly inodes: number;
  /**
   * Whether link counts are to be counted: then only inodes with a link count above 1 can have several names. Else they are what the inodes
   * say, whatever names these have.
   */
  readonly counts: boolean;
  /**
   * The entries of a directory: asked for once for each, after those of the directory that it is in. An inode with several names is one object;
   * all else can be made for this call.
   */
  entries(directory: Inode): ReadonlyMap<ByteString, Inode>;
}

/** A tree in memory. */
export class InodeTree implements TreeSource {
  readonly root: Inode;
  readonly inodes: number;
  readonly counts: boolean;

  /**
   * Takes a tree as it is.
   *
   * @param counted Whether link counts are right: `countLinks`. Finding the inodes with several names is faster then.
   */
  constructor(root: Inode, counted = false) {
    this.root = root;
    this.counts = counted;
    this.inodes = root.children === null ? 1 : countEntries(root);
  }

  entries(directory: Inode): ReadonlyMap<ByteString, Inode> {
    return directory.children!;
  }
}

/** Names in a tree, the root's among them; of a directory that is there twice, which no image can hold, once. */
function countEntries(root: Inode): number {
  let count = 1;
  const seen = new Set([root]);
  for (const directory of seen) {
    count += directory.children!.size;
    for (const inode of directory.children!.values()) if (inode.children !== null) seen.add(inode);
  }
  return count;
}
