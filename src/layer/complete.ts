/**
 * Completes the tree of an unpacked layer, for its index and for the last walk over the disk: marks and link counts.
 *
 * @module
 */

import { type ByteString, type Inode, isWhiteout } from "../tree/inode.ts";
import { IMPLIED, OPAQUE } from "../tree/marks.ts";
import type { Directories } from "./directories.ts";
import { EMPTY_VALUE, isDirectory, OPAQUE_VALUE, setXattr } from "./marks.ts";

/** What came of it. */
export interface Completed {
  /** Names, the root among them. */
  readonly entries: number;
  /** Bytes of content, each inode once. */
  readonly fileBytes: number;
  /** Names that have to be removed from directories on disk. */
  readonly useless: ReadonlyMap<Inode, readonly ByteString[]>;
}

/**
 * Puts the marks into the tree, sets the link counts, and takes whiteouts out of opaque directories: nothing is left for
 * them to hide, and overlayfs would list them in a directory that it merges with nothing.
 *
 * @param linked The inodes that may have several names.
 */
export function complete(
  { root, opaque, implied }: Directories,
  linked: ReadonlySet<Inode>,
): Completed {
  const useless = new Map<Inode, ByteString[]>();
  const seen = new Set<Inode>();
  let entries = 0;
  let fileBytes = 0;
  const visit = (directory: Inode): void => {
    entries++;
    if (opaque.has(directory)) {
      setXattr(directory, OPAQUE, OPAQUE_VALUE);
      const names = removeWhiteouts(directory);
      if (names.length > 0) useless.set(directory, names);
    }
    if (implied.has(directory)) setXattr(directory, IMPLIED, EMPTY_VALUE);
    for (const child of directory.children!.values()) {
      if (isDirectory(child)) {
        visit(child);
        continue;
      }
      entries++;
      if (linked.has(child)) {
        if (seen.has(child)) {
          child.nlink++;
          continue;
        }
        seen.add(child);
      }
      fileBytes += child.size;
    }
  };
  visit(root);
  return { entries, fileBytes, useless };
}

function removeWhiteouts(directory: Inode): ByteString[] {
  const names: ByteString[] = [];
  for (const [name, child] of directory.children!) if (isWhiteout(child)) names.push(name);
  for (const name of names) directory.children!.delete(name);
  return names;
}
