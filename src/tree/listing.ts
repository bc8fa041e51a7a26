/**
 * What is in a tree, for people: line for line what composefs-info prints for the tree's image.
 *
 * @module
 */

import { escapeBytes } from "./escape.ts";
import { type ByteString, type Inode, S_IFLNK, S_IFMT, S_IFREG } from "./inode.ts";

/** One entry of a directory, with its path. */
export interface TreeEntry {
  /** With leading `/`. */
  readonly path: ByteString;
  /** What is there. */
  readonly inode: Inode;
  /** Whether an entry before was the same inode: a further name of a hard link. */
  readonly again: boolean;
}

/** All entries below a directory, depth-first with names in byte order. */
export function* treeEntries(root: Inode): Generator<TreeEntry> {
  const met = new Set<Inode>();
  const stack = [{ path: "", inode: root }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { path, inode } = top;
    if (inode !== root) {
      const again = met.has(inode);
      if (inode.children === null) met.add(inode);
      yield { path, inode, again };
    }
    if (inode.children === null) continue;
    const names = [...inode.children.keys()].sort();
    for (let i = names.length - 1; i >= 0; i--) {
      stack.push({ path: `${path}/${names[i]}`, inode: inode.children.get(names[i])! });
    }
  }
}

/**
 * The lines of `composefs-info ls`: each path, escaped but for spaces; after a tab nothing for a directory, `-> ` and the target for a
 * symbolic link, `@ ` and the object for a file that has one. A further name of a hard link stands alone.
 */
export function listTree(root: Inode): string[] {
  const lines: string[] = [];
  for (const { path, inode, again } of treeEntries(root)) {
    lines.push(escapeBytes(path, true) + (again ? "" : suffix(inode)));
  }
  return lines;
}

function suffix(inode: Inode): string {
  if (inode.children !== null) return "/\t";
  const type = inode.mode & S_IFMT;
  if (type === S_IFLNK) return `\t-> ${escapeBytes(inode.target)}`;
  return type === S_IFREG && inode.payload !== "" ? `\t@ ${escapeBytes(inode.payload)}` : "";
}

/** The objects that a tree's files have their contents in, each once, in byte order: `composefs-info objects`. */
export function treeObjects(root: Inode): ByteString[] {
  const objects = new Set<ByteString>();
  for (const { inode } of treeEntries(root)) {
    if ((inode.mode & S_IFMT) === S_IFREG && inode.payload !== "") objects.add(inode.payload);
  }
  return [...objects].sort();
}
