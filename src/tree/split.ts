/**
 * The tree of an image as a stack of overlay layers, each of which stands for some of the image's layers.
 *
 * Every stack shows the very tree that {@link merge!mergeLayers} makes: a layer of the stack is the difference between the merged trees
 * below and above it, not the layer of the image as it was written.
 *
 * @module
 */

import { countLinks } from "./count.ts";
import { emptyCopy, overlayDifference } from "./difference.ts";
import type { Inode } from "./inode.ts";
import { mergeSteps } from "./merge.ts";

/** Consecutive layers of an image: from the one with index `from` (0 for the lowest) to the one before `to`. */
export interface Part {
  /** The lowest of the layers, from 0. */
  readonly from: number;
  /** One more than the highest. */
  readonly to: number;
}

/**
 * Makes parts of a stack: for one that starts at 0 the merged tree, for another one what lies above the tree below it, with whiteouts.
 *
 * A tree that is yielded shares its inodes with the next one: write it before going on.
 *
 * @param layers The image's layers, lowest first; those above the last part are not asked for.
 * @param parts In ascending order, none overlapping another.
 * @throws {LaminaError} As {@link merge!mergeLayers}.
 */
export function* splitTree(layers: Iterable<Inode>, parts: readonly Part[]): Generator<Inode> {
  let waiting = 0;
  let below: { tree: Inode; links: Map<Inode, number> } | undefined;
  let merged = 0;
  if (parts.length === 0) return;
  for (const root of mergeSteps(layers)) {
    merged++;
    const part = parts[waiting];
    if (merged === part.to) {
      countLinks(root);
      yield below === undefined
        ? root
        : overlayDifference(below.tree, root, relinked(below.tree, below.links, root)) ??
          emptyCopy(root);
      below = undefined;
      if (++waiting === parts.length) return;
    }
    if (merged === parts[waiting].from) {
      countLinks(root);
      below = { tree: copyDirectories(root), links: linksOf(root) };
    }
  }
}

/** The inodes with several names, and how many. */
function linksOf(directory: Inode, links = new Map<Inode, number>()): Map<Inode, number> {
  for (const inode of directory.children!.values()) {
    if (inode.children !== null) linksOf(inode, links);
    else if (inode.nlink > 1) links.set(inode, inode.nlink);
  }
  return links;
}

/**
 * The inodes whose names are others than below. Overlayfs shows the names that two layers have for a file as two files, so all of them must
 * be in one.
 */
function relinked(
  lower: Inode | undefined,
  links: ReadonlyMap<Inode, number>,
  wanted: Inode,
  found = new Set<Inode>(),
): Set<Inode> {
  for (const [name, inode] of wanted.children!) {
    const below = lower?.children?.get(name);
    if (inode.children !== null) relinked(below, links, inode, found);
    else if (inode.nlink !== (links.get(inode) ?? 1)) found.add(inode);
    else if (inode.nlink > 1 && below !== inode) found.add(inode);
  }
  return found;
}

function copyDirectories(directory: Inode): Inode {
  const copy = emptyCopy(directory);
  for (const [name, inode] of directory.children!) {
    copy.children!.set(name, inode.children === null ? inode : copyDirectories(inode));
  }
  return copy;
}
