/**
 * What is different in two trees.
 *
 * @module
 */

import { escapeBytes } from "./escape.ts";
import {
  type ByteString,
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
  S_IFSOCK,
} from "./inode.ts";
import { treeEntries } from "./listing.ts";
import { toHex } from "./digest.ts";
import { fsVerityDigest } from "./verity.ts";

/** One aspect in which an entry of both trees is different. */
export interface FieldChange {
  /**
   * `type`, `mode`, `owner`, `mtime`, `size`, `content`, `target`, `device`, `links` (the first of its names), or `xattr` and the key, escaped.
   */
  readonly field: string;
  /** In the first tree, as text; undefined for an xattr that it has not. */
  readonly from: string | undefined;
  /** In the second tree. */
  readonly to: string | undefined;
}

/** One entry that is different. */
export interface TreeChange {
  /** `A`: only the second tree has it; `D`: only the first one; `C`: both, differently. */
  readonly kind: "A" | "D" | "C";
  /** With leading `/`. */
  readonly path: ByteString;
  /** In which way, for `C`; else empty. */
  readonly fields: readonly FieldChange[];
}

const TYPES: ReadonlyMap<number, string> = new Map([
  [S_IFREG, "file"],
  [S_IFDIR, "directory"],
  [S_IFLNK, "symlink"],
  [S_IFCHR, "character device"],
  [S_IFBLK, "block device"],
  [S_IFIFO, "fifo"],
  [S_IFSOCK, "socket"],
]);

/** Compares two trees: every entry that one of them has not, or has otherwise, depth-first with names in byte order. */
export function* compareTrees(from: Inode, to: Inode): Generator<TreeChange> {
  const names = { from: namesOf(from), to: namesOf(to) };
  const stack: { path: ByteString; a: Inode | undefined; b: Inode | undefined }[] = [
    { path: "", a: from, b: to },
  ];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { path, a, b } = top;
    const shown = path === "" ? "/" : path;
    if (a === undefined) yield { kind: "A", path: shown, fields: [] };
    else if (b === undefined) yield { kind: "D", path: shown, fields: [] };
    else {
      const fields = compareInodes(a, b);
      const links = [names.from.get(a), names.to.get(b)];
      if (links[0] !== links[1]) fields.push(change("links", escaped(links[0]), escaped(links[1])));
      if (fields.length > 0) yield { kind: "C", path: shown, fields };
    }
    const below = new Set([...a?.children?.keys() ?? [], ...b?.children?.keys() ?? []]);
    for (const name of [...below].sort().reverse()) {
      const [inA, inB] = [a?.children?.get(name), b?.children?.get(name)];
      stack.push({ path: `${path}/${name}`, a: inA, b: inB });
    }
  }
}

/** Of each inode with several names the first one. */
function namesOf(root: Inode): Map<Inode, ByteString> {
  const first = new Map<Inode, ByteString>();
  const several = new Map<Inode, ByteString>();
  for (const { path, inode, again } of treeEntries(root)) {
    if (again) several.set(inode, first.get(inode)!);
    else if (inode.children === null) first.set(inode, path);
  }
  return several;
}

function escaped(path: ByteString | undefined): string | undefined {
  return path === undefined ? undefined : escapeBytes(path, true);
}

function change(field: string, from: string | undefined, to: string | undefined): FieldChange {
  return { field, from, to };
}

function compareInodes(a: Inode, b: Inode): FieldChange[] {
  const type = a.mode & S_IFMT;
  if (type !== (b.mode & S_IFMT)) {
    return [change("type", TYPES.get(type), TYPES.get(b.mode & S_IFMT))];
  }
  const changes: FieldChange[] = [];
  const compare = (field: string, of: (inode: Inode) => string) => {
    const [from, to] = [of(a), of(b)];
    if (from !== to) changes.push(change(field, from, to));
  };
  compare("mode", ({ mode }) => (mode & 0o7777).toString(8).padStart(4, "0"));
  compare("owner", ({ uid, gid }) => `${uid}:${gid}`);
  compare("mtime", ({ mtime, nsec }) => `${mtime}.${String(nsec).padStart(9, "0")}`);
  if (type === S_IFREG) {
    compare("size", ({ size }) => String(size));
    compare("content", contentOf);
  } else if (type === S_IFLNK) compare("target", ({ target }) => escapeBytes(target, true));
  else if (type === S_IFCHR || type === S_IFBLK) {
    compare("device", ({ rdev }) => `${major(rdev)}:${minor(rdev)}`);
  }
  compareXattrs(a, b, changes);
  return changes;
}

/** The same text for the same content, wherever it is kept: its fs-verity digest, or the path that stands for it where none is known. */
function contentOf({ content, digest, payload }: Inode): string {
  if (content !== null) return content.length === 0 ? "-" : toHex(fsVerityDigest(content));
  return digest !== null ? toHex(digest) : payload === "" ? "-" : escapeBytes(payload);
}

function compareXattrs(a: Inode, b: Inode, changes: FieldChange[]): void {
  if (a.xattrs === null && b.xattrs === null) return;
  const keys = new Set([...a.xattrs?.keys() ?? [], ...b.xattrs?.keys() ?? []]);
  for (const key of [...keys].sort()) {
    const [from, to] = [valueOf(a, key), valueOf(b, key)];
    if (from !== to) changes.push(change(`xattr ${escapeBytes(key)}`, from, to));
  }
}

function valueOf(inode: Inode, key: ByteString): string | undefined {
  const value = inode.xattrs?.get(key);
  return value === undefined ? undefined : escapeBytes(String.fromCharCode(...value), true);
}
