/**
 * The fixup of an image on disk, against the one that its layers make: the other side of `writeFixup`.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  displayPath,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  readDirectory,
  Stat,
  statx,
  toCString,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import {
  type ByteString,
  type Inode,
  isWhiteout,
  S_IFCHR,
  S_IFDIR,
  S_IFMT,
} from "../../tree/mod.ts";

/** A path that is not as it should be. */
class Different extends Error {}

/**
 * Compares a fixup with its directory.
 *
 * @param path The directory, if there is one.
 * @param layers The layers' directories, lowest first.
 * @returns The first difference, in words, or undefined.
 */
export function fixupDifference(
  fixup: Inode,
  path: string | undefined,
  layers: readonly string[],
  native: boolean,
): string | undefined {
  if (path === undefined) return "it is missing";
  try {
    using directory = Fd.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    compare(fixup, directory.n, "", layers, native);
  } catch (error) {
    if (error instanceof Different) return error.message;
    throw error;
  }
}

function compare(
  directory: Inode,
  fd: number,
  prefix: ByteString,
  layers: readonly string[],
  native: boolean,
): void {
  const stat = new Stat();
  const different = (name: ByteString, why: string): never => {
    throw new Different(`${displayPath(toCString(prefix + name))} ${why}`);
  };
  statx(fd, ".", AT_SYMLINK_NOFOLLOW, stat);
  const mode = native ? directory.mode & 0o7777 : directory.mode & 0o777 | 0o700;
  const owned = !native || (stat.uid === directory.uid && stat.gid === directory.gid);
  if ((stat.mode & 0o7777) !== mode || !owned) different("", "has another mode or owner");
  if (stat.mtime !== directory.mtime) different("", "has another time");
  const there = new Set(
    readDirectory(fd).map(({ name }) => byteString(name, 0, name.length - 1)),
  );
  for (const [name, inode] of directory.children!) {
    if (!there.delete(name)) different(name, "is missing");
    const bytes = toCString(name);
    statx(fd, bytes, AT_SYMLINK_NOFOLLOW, stat);
    const type = stat.mode & S_IFMT;
    if (inode.children !== null) {
      if (type !== S_IFDIR) different(name, "is no directory");
      using below = Fd.openat(fd, bytes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
      compare(inode, below.n, `${prefix}${name}/`, layers, native);
    } else if (isWhiteout(inode)) {
      if (type !== S_IFCHR || stat.rdev !== 0) different(name, "is no whiteout");
    } else {
      const { ino } = stat;
      const { layer, path } = inode.origin!;
      if (inodeOf(layers[layer], path ?? prefix + name, stat) !== ino) {
        different(name, "is not the layer's file");
      }
    }
  }
  for (const name of there) different(name, "is too many");
}

function inodeOf(layer: string, path: ByteString, stat: Stat): number | undefined {
  const directory = openat(AT_FDCWD, layer, O_RDONLY | O_DIRECTORY);
  if (directory < 0) return undefined;
  using fd = Fd.adopt(directory);
  return statx(fd.n, toCString(path), AT_SYMLINK_NOFOLLOW, stat) < 0 ? undefined : stat.ino;
}
