/**
 * Dividing a tree among threads.
 *
 * @module
 */

import { S_IFDIR } from "../../tree/inode.ts";
import type { ErofsView } from "../../tree/mod.ts";
import type { Subdirectory, Unit } from "./builder.ts";
import { writableBelow, type WritableNode } from "./writable.ts";

/** A directory above several units: made before them, finished after them. */
export interface TrunkDirectory {
  readonly nid: number;
  /** Path in the tree, NUL-terminated. */
  readonly path: Uint8Array;
}

/** The units of a tree, and what they stand on. */
export interface Plan {
  /** Parents before children; without the root. */
  readonly trunk: readonly TrunkDirectory[];
  readonly units: readonly Unit[];
}

/** A worker takes 9 to 18 ms to start: below this many entries one thread is done by then. */
export const WORTH_A_WORKER = 4000;

/** Units per thread: enough that the last one does not keep the others waiting long. */
const UNITS_PER_THREAD = 16;

interface Node {
  readonly nid: number;
  readonly parent: number;
  readonly name: Uint8Array;
  readonly children: number[];
  files: number;
  /** Entries in it and below. */
  weight: number;
}

/** Divides a tree into units of about the same number of entries. */
export function planUnits(view: ErofsView, entries: number, threads: number): Plan {
  const nodes = readDirectories(view);
  const limit = Math.max(64, entries / (threads * UNITS_PER_THREAD));
  const trunk: TrunkDirectory[] = [];
  const units: Unit[] = [];
  const pending: { readonly node: Node; readonly path: Uint8Array }[] = [
    { node: nodes[0], path: new Uint8Array() },
  ];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const { node, path } = at;
    if (node.files > 0) units.push({ nid: node.nid, path, files: true, subdirectories: [] });
    let group: Subdirectory[] = [];
    let weight = 0;
    for (const child of node.children.map((index) => nodes[index])) {
      if (child.weight > limit) {
        const below = join(path, child.name);
        trunk.push({ nid: child.nid, path: terminated(below) });
        pending.push({ node: child, path: below });
        continue;
      }
      group.push({ nid: child.nid, name: terminated(child.name) });
      weight += child.weight;
      if (weight < limit) continue;
      units.push({ nid: node.nid, path, files: false, subdirectories: group });
      group = [];
      weight = 0;
    }
    if (group.length > 0) units.push({ nid: node.nid, path, files: false, subdirectories: group });
  }
  return { trunk, units };
}

function readDirectories(view: ErofsView): Node[] {
  const root = {
    nid: view.rootNid,
    parent: 0,
    name: new Uint8Array(),
    children: [],
    files: 0,
    weight: 0,
  };
  const nodes: Node[] = [root];
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index];
    view.entries(node.nid, (nid, type, name, length) => {
      if (type !== S_IFDIR) {
        node.files++;
        return;
      }
      node.children.push(nodes.length);
      nodes.push({
        nid,
        parent: index,
        name: name.slice(0, length),
        children: [],
        files: 0,
        weight: 0,
      });
    });
  }
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index];
    node.weight += node.files + 1;
    if (index > 0) nodes[node.parent].weight += node.weight;
  }
  return nodes;
}

function join(path: Uint8Array, name: Uint8Array): Uint8Array {
  if (path.length === 0) return name;
  const result = new Uint8Array(path.length + 1 + name.length);
  result.set(path);
  result[path.length] = 0x2f;
  result.set(name, path.length + 1);
  return result;
}

function terminated(name: Uint8Array): Uint8Array {
  const result = new Uint8Array(name.length + 1);
  result.set(name);
  return result;
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
