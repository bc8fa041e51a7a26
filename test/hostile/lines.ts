/**
 * Trees as short lines.
 *
 * @module
 */

import {
  type Inode,
  major,
  minor,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
} from "../../src/tree/mod.ts";

/** The time that members of test archives have unless they say another. */
const TIME = 1_700_000_000;
/** Content that is shown as it is. */
const SHOWN = 100;

/**
 * A line for each entry but an ordinary root, in the order of paths: `dir/`, `file: content`, `link -> target`, `name = first name of the
 * inode`, `char 1:3`, `block 7:0`, `fifo`; then mode, owner, time and extended attributes where they are not
 * the usual ones. Files of more than 100 bytes are `file: N bytes`.
 */
export function treeLines(root: Inode, objects: string): string[] {
  const all: [string, Inode][] = [["", root]];
  for (let at = 0; at < all.length; at++) {
    const [path, inode] = all[at];
    for (const [name, child] of inode.children ?? []) {
      all.push([path === "" ? name : `${path}/${name}`, child]);
    }
  }
  const first = new Map<Inode, string>();
  return all.sort(([a], [b]) => a < b ? -1 : 1).flatMap(([path, inode]) => {
    const before = inode.children === null ? first.get(inode) : undefined;
    first.set(inode, path);
    if (before !== undefined) {
      first.set(inode, before);
      return `${path} = ${before}`;
    }
    const rest = metadata(inode);
    if (path === "" && rest === "") return [];
    return `${path}${shape(inode, objects)}${rest}`;
  });
}

function shape(inode: Inode, objects: string): string {
  switch (inode.mode & S_IFMT) {
    case S_IFDIR:
      return "/";
    case S_IFLNK:
      return ` -> ${inode.target}`;
    case S_IFIFO:
      return " fifo";
    case S_IFCHR:
      return ` char ${major(inode.rdev)}:${minor(inode.rdev)}`;
    case S_IFBLK:
      return ` block ${major(inode.rdev)}:${minor(inode.rdev)}`;
  }
  if (inode.size > SHOWN) return `: ${inode.size} bytes`;
  const content = inode.size === 0
    ? new Uint8Array()
    : inode.content ?? Deno.readFileSync(`${objects}/${inode.payload}`);
  return `: ${String.fromCharCode(...content)}`;
}

function metadata(inode: Inode): string {
  const type = inode.mode & S_IFMT;
  const mode = inode.mode & 0o7777;
  const usual = type === S_IFDIR ? 0o755 : type === S_IFLNK ? 0o777 : 0o644;
  // What no entry says of a directory.
  const implied = type === S_IFDIR && inode.mtime === 0 && inode.nsec === 0;
  const words = [
    mode === usual ? "" : ` ${mode.toString(8)}`,
    inode.uid === 0 && inode.gid === 0 ? "" : ` ${inode.uid}:${inode.gid}`,
    implied || (inode.mtime === TIME && inode.nsec === 0)
      ? ""
      : ` @${inode.mtime}${inode.nsec === 0 ? "" : `+${inode.nsec}ns`}`,
  ];
  for (const [key, value] of [...inode.xattrs ?? []].sort(([a], [b]) => a < b ? -1 : 1)) {
    words.push(` ${key}=${String.fromCharCode(...value)}`);
  }
  return words.join("");
}
