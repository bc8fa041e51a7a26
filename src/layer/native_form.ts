/**
 * Files as they are: true owners, modes, devices, attributes. For root.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  displayPath,
  fchmod,
  fchmodat,
  fchown,
  fchownat,
  fsetxattr,
  mknodat,
  setxattrat,
  symlinkat,
  utimensat,
} from "../linux/mod.ts";
import { type Inode, S_IFCHR } from "../tree/inode.ts";
import { OPAQUE } from "../tree/marks.ts";
import type { DirectoryMarks, DiskForm } from "./form.ts";
import { OPAQUE_VALUE } from "./marks.ts";
import { xattrKey } from "./xattr_keys.ts";

/** See {@link DiskForm}. */
export class NativeForm implements DiskForm {
  readonly #umask: number;
  readonly #uid: number;
  readonly #gid: number;

  /**
   * @param umask The process's.
   * @param uid Owner of what the process makes.
   */
  constructor(umask: number, uid: number, gid: number) {
    this.#umask = umask;
    this.#uid = uid;
    this.#gid = gid;
  }

  permissions(inode: Inode): number {
    return inode.mode & 0o777;
  }

  file(fd: number, inode: Inode): void {
    this.#owner(fd, inode);
    if (inode.xattrs !== null) setXattrs(fd, inode);
    // The kernel took the umask's bits at creation, and set-id bits are not for files that are still written.
    if ((inode.mode & (0o7000 | this.#umask)) !== 0) {
      check(fchmod(fd, inode.mode & 0o7777), "chmod", "it");
    }
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "it");
  }

  directory(fd: number, inode: Inode, marks: DirectoryMarks): void {
    this.#owner(fd, inode);
    if (inode.xattrs !== null) setXattrs(fd, inode);
    if (marks.opaque) check(fsetxattr(fd, xattrKey(OPAQUE), OPAQUE_VALUE), "setxattr", OPAQUE);
    check(fchmod(fd, inode.mode & 0o7777), "chmod", "it");
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "it");
  }

  symlink(dir: number, name: Uint8Array, inode: Inode, target: Uint8Array): void {
    check(symlinkat(target, dir, name), "symlink", displayPath(name));
    this.#named(dir, name, inode);
  }

  special(dir: number, name: Uint8Array, inode: Inode): void {
    check(mknodat(dir, name, inode.mode, inode.rdev), "mknod", displayPath(name));
    this.#named(dir, name, inode);
    // It was made just now in a directory that nobody else can enter: it is no link.
    check(fchmodat(dir, name, inode.mode & 0o7777), "chmod", displayPath(name));
  }

  whiteout(dir: number, name: Uint8Array): void {
    check(mknodat(dir, name, S_IFCHR, 0), "mknod", displayPath(name));
  }

  #owner(fd: number, inode: Inode): void {
    if (inode.uid !== this.#uid || inode.gid !== this.#gid) {
      check(fchown(fd, inode.uid, inode.gid), "chown", "it");
    }
  }

  /** Owner, xattrs and times of what cannot be opened. */
  #named(dir: number, name: Uint8Array, inode: Inode): void {
    if (inode.uid !== this.#uid || inode.gid !== this.#gid) {
      check(
        fchownat(dir, name, inode.uid, inode.gid, AT_SYMLINK_NOFOLLOW),
        "chown",
        displayPath(name),
      );
    }
    if (inode.xattrs !== null) {
      for (const [key, value] of inode.xattrs) {
        check(setxattrat(dir, name, xattrKey(key), value), "setxattr", key);
      }
    }
    check(
      utimensat(dir, name, inode.mtime, inode.nsec, AT_SYMLINK_NOFOLLOW),
      "utimens",
      displayPath(name),
    );
  }
}

function setXattrs(fd: number, inode: Inode): void {
  for (const [key, value] of inode.xattrs!) {
    check(fsetxattr(fd, xattrKey(key), value), "setxattr", key);
  }
}
