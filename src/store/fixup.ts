/**
 * The small layer that makes a plain stack of overlay lower directories show an image's tree, on disk.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  fchmod,
  fchownat,
  Fd,
  fsetxattr,
  linkat,
  mkdirat,
  mknodat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  toCString,
  utimensat,
} from "../linux/mod.ts";
import { type ByteString, type Inode, isWhiteout } from "../tree/mod.ts";

/**
 * Writes a fixup (see `mergeLayers`) as a directory. Its files and links are hard links to the layers' own, so it costs directories only.
 *
 * @param path The directory to make.
 * @param layers The layers' directories, lowest first.
 * @param native Whether owners and `trusted.*` xattrs can be set (see `Store.native`).
 */
export function writeFixup(
  fixup: Inode,
  path: string,
  layers: readonly string[],
  native: boolean,
): void {
  writeDirectory(fixup, AT_FDCWD, path, "", layers, native);
}

function writeDirectory(
  directory: Inode,
  parent: number,
  name: string | Uint8Array,
  path: ByteString,
  layers: readonly string[],
  native: boolean,
): void {
  check(mkdirat(parent, name, 0o700), "mkdir", `/${path}`);
  using fd = Fd.openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  for (const [entry, inode] of directory.children!) {
    const at = path + entry;
    const bytes = toCString(entry);
    if (inode.children !== null) writeDirectory(inode, fd.n, bytes, `${at}/`, layers, native);
    else if (isWhiteout(inode)) check(mknodat(fd.n, bytes, inode.mode, 0), "mknod", `/${at}`);
    else {
      const origin = inode.origin!;
      using layer = Fd.open(layers[origin.layer], O_RDONLY | O_DIRECTORY);
      check(linkat(layer.n, toCString(origin.path ?? at), fd.n, bytes), "link", `/${at}`);
    }
  }
  if (native) {
    check(
      fchownat(parent, name, directory.uid, directory.gid, AT_SYMLINK_NOFOLLOW),
      "chown",
      `/${path}`,
    );
    for (const [key, value] of directory.xattrs ?? []) {
      check(fsetxattr(fd.n, toCString(key), value), "setxattr", `/${path}`);
    }
  }
  check(
    fchmod(fd.n, native ? directory.mode & 0o7777 : directory.mode & 0o777 | 0o700),
    "chmod",
    `/${path}`,
  );
  check(utimensat(fd.n, null, directory.mtime, directory.nsec), "utimens", `/${path}`);
}
