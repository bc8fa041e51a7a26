/**
 * What a tree looks like on disk, in the form that `snapshot` has.
 *
 * @module
 */

import { createHash } from "node:crypto";
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
  S_IFREG,
} from "../../tree/mod.ts";
import { escape } from "./snapshot.ts";

const TYPES: Record<number, string> = {
  [S_IFREG]: "file",
  [S_IFDIR]: "directory",
  [S_IFLNK]: "symlink",
  [S_IFCHR]: "char",
  [S_IFBLK]: "block",
  [S_IFIFO]: "fifo",
};

/**
 * Describes a tree.
 *
 * @param objects Directory of content objects.
 */
export function describeTree(root: Inode, objects: string): Map<string, string> {
  const lines = new Map<string, string[]>();
  const groups = new Map<Inode, string[]>();
  const pending: [string, Inode][] = [[".", root]];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const [path, inode] = at;
    lines.set(path, describe(inode, objects));
    if (inode.children === null) {
      const group = groups.get(inode);
      if (group === undefined) groups.set(inode, [path]);
      else group.push(path);
    }
    for (const [name, child] of inode.children ?? []) {
      pending.push([path === "." ? name : `${path}/${name}`, child]);
    }
  }
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const first = group.reduce((a, b) => (a < b ? a : b));
    for (const path of group) lines.get(path)!.push(`link=${escape(first)}`);
  }
  return new Map([...lines].map(([path, line]) => [path, line.join(" ")]));
}

function describe(inode: Inode, objects: string): string[] {
  const type = TYPES[inode.mode & S_IFMT];
  const line = [type];
  if (type !== "symlink") line.push(`mode=${(inode.mode & 0o7777).toString(8)}`);
  line.push(`owner=${inode.uid}:${inode.gid}`);
  if (type === "char" || type === "block") {
    line.push(`rdev=${major(inode.rdev)}:${minor(inode.rdev)}`);
  }
  line.push(`mtime=${inode.mtime}.${String(inode.nsec).padStart(9, "0")}`);
  for (const [key, value] of [...inode.xattrs ?? []].sort(([a], [b]) => (a < b ? -1 : 1))) {
    line.push(`xattr:${escape(key)}=${escape(String.fromCharCode(...value))}`);
  }
  if (type === "symlink") line.push(`target=${escape(inode.target)}`);
  if (type === "file") {
    const content = inode.size === 0
      ? new Uint8Array()
      : inode.content ?? Deno.readFileSync(`${objects}/${inode.payload}`);
    line.push(`size=${inode.size}`, `sha256=${createHash("sha256").update(content).digest("hex")}`);
  }
  return line;
}
