/**
 * Which of several names of an inode comes first.
 *
 * @module
 */

import type { ByteString, Inode } from "./inode.ts";

/**
 * The first path (without leading `/`), in depth-first order with names in byte order, of each of some inodes that are not
 * directories.
 */
export function firstPaths(root: Inode, wanted: ReadonlySet<Inode>): Map<Inode, ByteString> {
  const first = new Map<Inode, ByteString>();
  const stack: { directory: Inode; prefix: ByteString }[] = [{ directory: root, prefix: "" }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const [name, inode] of top.directory.children!) {
      if (inode.children !== null) {
        stack.push({ directory: inode, prefix: `${top.prefix}${name}\0` });
      } else if (wanted.has(inode)) {
        // NUL is less than every byte of a name: so joined, paths are in depth-first order.
        const key = `${top.prefix}${name}`;
        const before = first.get(inode);
        if (before === undefined || key < before) first.set(inode, key);
      }
    }
  }
  for (const [inode, key] of first) first.set(inode, key.replaceAll("\0", "/"));
  return first;
}
