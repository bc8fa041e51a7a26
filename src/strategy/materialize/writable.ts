/**
 * The paths that a request lists as writable, as a walk meets them.
 *
 * @module
 */

import { S_IFDIR } from "../../tree/inode.ts";
import type { ErofsView } from "../../tree/mod.ts";
import { nameLength } from "./path.ts";

/** One directory on the way to writable paths. */
export interface WritableNode {
  /** Whether this and all below it is writable. */
  all: boolean;
  /** What lies below, by name (one character for each byte). */
  readonly children: Map<string, WritableNode>;
}

const NOTHING: WritableNode = { all: false, children: new Map() };
const ALL: WritableNode = { all: true, children: new Map() };

/**
 * Makes a tree of paths.
 *
 * @param paths As in {@link plugin!Job.writable}: without leading slash, without `.` and `..`; the empty one is the whole tree.
 */
export function writableTree(paths: readonly string[]): WritableNode {
  const root: WritableNode = { all: false, children: new Map() };
  for (const path of paths) {
    let node = root;
    for (const name of path.split("/").filter((part) => part !== "")) {
      const key = String.fromCharCode(...new TextEncoder().encode(name));
      let next = node.children.get(key);
      if (next === undefined) node.children.set(key, next = { all: false, children: new Map() });
      node = next;
    }
    node.all = true;
  }
  return root;
}

/** What is said about a name in a directory. */
export function writableBelow(node: WritableNode, name: Uint8Array): WritableNode {
  if (node.all) return ALL;
  if (node.children.size === 0) return NOTHING;
  return node.children.get(String.fromCharCode(...name.subarray(0, nameLength(name)))) ?? NOTHING;
}

/**
 * The inodes (by number) that have several names of which one is writable. A write by that name reaches all of them, so that all are
 * treated alike.
 */
export function writableGroups(view: ErofsView, writable: WritableNode): Set<number> {
  const groups = new Set<number>();
  const pending = [{ nid: view.rootNid, node: writable }];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const { node } = at;
    if (!node.all && node.children.size === 0) continue;
    view.entries(at.nid, (nid, type, name) => {
      const below = writableBelow(node, name);
      if (type === S_IFDIR) pending.push({ nid, node: below });
      else if (below.all && view.nlink(nid) > 1) groups.add(view.ino(nid));
    });
  }
  return groups;
}
