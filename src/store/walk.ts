/**
 * A walk over all that is below a path, as it is on disk.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  DT_DIR,
  ENOENT,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  readDirectory,
  Stat,
  statx,
  toCString,
} from "../linux/mod.ts";
import { S_IFDIR, S_IFMT } from "../tree/mod.ts";

/**
 * Takes one name.
 *
 * @param dir Descriptor of the directory that holds it.
 * @param name NUL-terminated.
 * @param stat What it is; the next name overwrites it.
 */
export type Visitor = (dir: number, name: Uint8Array, stat: Stat) => void;

/** Visits a file, or a directory and all below it, each name once; nothing where it is not there, or goes away meanwhile. */
export function walk(path: string, visit: Visitor): void {
  const slash = path.lastIndexOf("/");
  const n = openat(AT_FDCWD, path.slice(0, slash), O_RDONLY | O_DIRECTORY);
  if (n === -ENOENT) return;
  using parent = Fd.adopt(check(n, "open", path));
  visitBelow(parent.n, toCString(path.slice(slash + 1)), new Stat(), visit);
}

function visitBelow(dir: number, name: Uint8Array, stat: Stat, visit: Visitor): void {
  const r = statx(dir, name, AT_SYMLINK_NOFOLLOW, stat);
  if (r === -ENOENT) return;
  check(r, "statx", "an entry of the store");
  visit(dir, name, stat);
  if ((stat.mode & S_IFMT) !== S_IFDIR) return;
  using directory = Fd.openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  const below: Uint8Array[] = [];
  for (const entry of readDirectory(directory.n)) {
    if (entry.type === DT_DIR) below.push(entry.name);
    else visitBelow(directory.n, entry.name, stat, visit);
  }
  for (const entry of below) visitBelow(directory.n, entry, stat, visit);
}

/** Bytes that an inode has on disk: st_blocks of stat(2). */
export function allocated(stat: Stat): number {
  return stat.blocks * 512;
}
