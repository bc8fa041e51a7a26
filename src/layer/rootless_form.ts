/**
 * Files of a user who is not root: the user's own, readable and writable by the user; owner, mode and device are in the layer's
 * index and, as text, in an attribute of files and directories.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  EPERM,
  fchmod,
  Fd,
  fsetxattr,
  mknodat,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  symlinkat,
  utimensat,
} from "../linux/mod.ts";
import {
  type Inode,
  major,
  minor,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
} from "../tree/inode.ts";
import { IMPLIED, OPAQUE } from "../tree/marks.ts";
import { must } from "./cname.ts";
import type { DiskForm } from "./form.ts";
import { EMPTY_VALUE, OPAQUE_VALUE } from "./marks.ts";
import { xattrKey } from "./xattr_keys.ts";

/** What containers/storage writes for the same purpose (pkg/idtools), and fuse-overlayfs reads. */
export const OVERRIDE_XATTR = "user.containers.override_stat";
const OPAQUE_USER_XATTR = "user.overlay.opaque";
const WHITEOUT_USER_XATTR = "user.overlay.whiteout";
/** `x`: holds whiteouts that are files with {@link WHITEOUT_USER_XATTR} (overlayfs, Linux 6.7). */
const XWHITEOUTS_VALUE = new Uint8Array([0x78]);

const encoder = new TextEncoder();

/** See {@link DiskForm}. */
export class RootlessForm implements DiskForm {
  readonly #umask: number;
  /** Directories that hold whiteouts in the form of files. */
  readonly #xwhiteouts = new Set<Inode>();
  /** Whether character devices with number 0:0 can be made: by anybody since Linux 5.8, but not in every sandbox. */
  #devices = true;

  /** @param umask The process's. */
  constructor(umask: number) {
    this.#umask = umask;
  }

  permissions(inode: Inode): number {
    return (inode.mode & 0o777) | 0o600;
  }

  file(fd: number, inode: Inode): void {
    this.#xattrs(fd, inode);
    const mode = this.permissions(inode);
    if ((mode & this.#umask) !== 0) check(fchmod(fd, mode), "chmod", "the file");
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "the file");
  }

  directory(fd: number, inode: Inode): void {
    this.#xattrs(fd, inode);
    const opaque = inode.xattrs?.has(OPAQUE)
      ? OPAQUE_VALUE
      : this.#xwhiteouts.has(inode)
      ? XWHITEOUTS_VALUE
      : undefined;
    if (opaque !== undefined) {
      check(fsetxattr(fd, xattrKey(OPAQUE_USER_XATTR), opaque), "setxattr", OPAQUE_USER_XATTR);
    }
    check(fchmod(fd, (inode.mode & 0o777) | 0o700), "chmod", "the directory");
    check(utimensat(fd, null, inode.mtime, inode.nsec), "utimens", "the directory");
  }

  symlink(dir: number, name: Uint8Array, inode: Inode, target: Uint8Array): void {
    must(symlinkat(target, dir, name), "symlink", name);
    setTimes(dir, name, inode);
  }

  special(dir: number, name: Uint8Array, inode: Inode): void {
    if ((inode.mode & S_IFMT) === S_IFIFO) {
      const mode = S_IFIFO | this.permissions(inode);
      must(mknodat(dir, name, mode, 0), "mknod", name);
      setTimes(dir, name, inode);
      return;
    }
    // An empty file stands for the device.
    using fd = Fd.openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    this.file(fd.n, inode);
  }

  whiteout(dir: number, name: Uint8Array, parent: Inode): void {
    if (this.#devices) {
      const r = mknodat(dir, name, S_IFCHR, 0);
      if (r !== -EPERM) return void must(r, "mknod", name);
      this.#devices = false;
    }
    using fd = Fd.openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    check(
      fsetxattr(fd.n, xattrKey(WHITEOUT_USER_XATTR), EMPTY_VALUE),
      "setxattr",
      WHITEOUT_USER_XATTR,
    );
    this.#xwhiteouts.add(parent);
  }

  /** What a user may set: `user.` ones. The others are in the index. */
  #xattrs(fd: number, inode: Inode): void {
    if (inode.xattrs !== null) {
      for (const [key, value] of inode.xattrs) {
        if (!key.startsWith("user.") || key === OVERRIDE_XATTR || key === IMPLIED) continue;
        check(fsetxattr(fd, xattrKey(key), value), "setxattr", key);
      }
    }
    const truth = encoder.encode(overrideStat(inode));
    check(fsetxattr(fd, xattrKey(OVERRIDE_XATTR), truth), "setxattr", OVERRIDE_XATTR);
  }
}

/** `UID:GID:MODE:TYPE`, the mode in at least four octal digits; devices as `block-MAJOR-MINOR` or `char-MAJOR-MINOR`. */
export function overrideStat(inode: Inode): string {
  const mode = (inode.mode & 0o7777).toString(8).padStart(4, "0");
  return `${inode.uid}:${inode.gid}:${mode}:${typeName(inode)}`;
}

function typeName({ mode, rdev }: Inode): string {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "dir";
    case S_IFBLK:
      return `block-${major(rdev)}-${minor(rdev)}`;
    case S_IFCHR:
      return `char-${major(rdev)}-${minor(rdev)}`;
    case S_IFREG:
      return "file";
    default:
      throw new TypeError("no attribute for this type");
  }
}

function setTimes(dir: number, name: Uint8Array, inode: Inode): void {
  must(
    utimensat(dir, name, inode.mtime, inode.nsec, AT_SYMLINK_NOFOLLOW),
    "utimens",
    name,
  );
}
