/**
 * The overlay layer that turns one tree into another.
 *
 * @module
 */

import { Inode } from "./inode.ts";

const WHITEOUT_MODE = 0o020000;

/** Whether two inodes have the same mode, owner, modification time and xattrs. */
export function metadataEqual(a: Inode, b: Inode): boolean {
  if (
    a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid || a.mtime !== b.mtime ||
    a.nsec !== b.nsec
  ) return false;
  if ((a.xattrs?.size ?? 0) !== (b.xattrs?.size ?? 0)) return false;
  for (const [key, value] of a.xattrs ?? []) {
    const other = b.xattrs!.get(key);
    if (other === undefined || other.length !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (value[i] !== other[i]) return false;
  }
  return true;
}

/**
 * The least layer which, laid over `lower` as an overlay does, shows `wanted`; undefined where that is the same tree. Inodes that are
 * not directories are the same where they are one object; those of `wanted` stand in the layer themselves, directories as copies.
 *
 * @param again Inodes that are to stand in the layer even where they are the same.
 */
export function overlayDifference(
  lower: Inode,
  wanted: Inode,
  again?: ReadonlySet<Inode>,
): Inode | undefined {
  const layer = emptyCopy(wanted);
  const children = layer.children!;
  for (const [name, inode] of wanted.children!) {
    const below = lower.children!.get(name);
    if (inode.children === null) {
      if (below !== inode || again?.has(inode)) children.set(name, inode);
    } else if (below?.children) {
      const inside = overlayDifference(below, inode, again);
      if (inside !== undefined) children.set(name, inside);
    } else {
      children.set(name, whole(inode));
    }
  }
  for (const name of lower.children!.keys()) {
    if (!wanted.children!.has(name)) children.set(name, whiteoutFor(layer));
  }
  return children.size > 0 || !metadataEqual(lower, wanted) ? layer : undefined;
}

/** A whiteout, as old as the directory that it is in: so it adds no time of its own to the image. */
function whiteoutFor(directory: Inode): Inode {
  const whiteout = new Inode(WHITEOUT_MODE);
  whiteout.mtime = directory.mtime;
  whiteout.nsec = directory.nsec;
  return whiteout;
}

/** A directory's metadata, without its entries. */
export function emptyCopy(directory: Inode): Inode {
  const copy = new Inode(directory.mode);
  copy.uid = directory.uid;
  copy.gid = directory.gid;
  copy.mtime = directory.mtime;
  copy.nsec = directory.nsec;
  copy.xattrs = directory.xattrs;
  return copy;
}

/** A directory with all below it. What was at its place is no directory or hidden, so nothing below can show through. */
function whole(directory: Inode): Inode {
  const copy = emptyCopy(directory);
  for (const [name, inode] of directory.children!) {
    copy.children!.set(name, inode.children === null ? inode : whole(inode));
  }
  return copy;
}
