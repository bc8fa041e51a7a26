/**
 * Files as they are: true owners, modes, devices, attributes. For root.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
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
import { IMPLIED } from "../tree/marks.ts";
import { must } from "./cname.ts";
import type { DiskForm } from "./form.ts";
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
    if (inode.xattrs !== null) {
      for (const [key, value] of inode.xattrs) {
        check(fsetxattr(fd, xattrKey(key), value), "setxattr", key);
      }
    }
    // The kernel took the umask's bits at creation, and set-id bits are not for files that are still written.
    if ((inode.mode & (0o7000 | this.#umask)) !== 0) {
      check(fchmod(fd, inode.mode & 0o7777), "chmod", "the file");
    }
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "the file");
  }

  directory(fd: number, inode: Inode): void {
    this.#owner(fd, inode);
    if (inode.xattrs !== null) {
      for (const [key, value] of inode.xattrs) {
        // The mark of an opaque directory is overlayfs' own; the other is the index's alone.
        if (key !== IMPLIED) check(fsetxattr(fd, xattrKey(key), value), "setxattr", key);
      }
    }
    check(fchmod(fd, inode.mode & 0o7777), "chmod", "the directory");
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "the directory");
  }

  symlink(dir: number, name: Uint8Array, inode: Inode, target: Uint8Array): void {
    must(symlinkat(target, dir, name), "symlink", name);
    this.#named(dir, name, inode);
  }

  special(dir: number, name: Uint8Array, inode: Inode): void {
    must(mknodat(dir, name, inode.mode, inode.rdev), "mknod", name);
    this.#named(dir, name, inode);
    // It was made just now in a directory that nobody else can enter: it is no link.
    must(fchmodat(dir, name, inode.mode & 0o7777), "chmod", name);
  }

  whiteout(dir: number, name: Uint8Array): void {
    must(mknodat(dir, name, S_IFCHR, 0), "mknod", name);
  }

  #owner(fd: number, inode: Inode): void {
    if (inode.uid !== this.#uid || inode.gid !== this.#gid) {
      check(fchown(fd, inode.uid, inode.gid), "chown", "the file");
    }
  }

  /** Owner, xattrs and times of what cannot be opened. */
  #named(dir: number, name: Uint8Array, inode: Inode): void {
    if (inode.uid !== this.#uid || inode.gid !== this.#gid) {
      must(
        fchownat(dir, name, inode.uid, inode.gid, AT_SYMLINK_NOFOLLOW),
        "chown",
        name,
      );
    }
    if (inode.xattrs !== null) {
      for (const [key, value] of inode.xattrs) {
        check(setxattrat(dir, name, xattrKey(key), value), "setxattr", key);
      }
    }
    must(
      utimensat(dir, name, inode.mtime, inode.nsec, AT_SYMLINK_NOFOLLOW),
      "utimens",
      name,
    );
  }
}
