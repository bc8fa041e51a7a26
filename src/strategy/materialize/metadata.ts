/**
 * Giving what was made the owner, mode, xattrs and times that the tree says.
 *
 * The order matters: changing the owner clears setuid, setgid and file capabilities, so it comes first; writing an attribute or the
 * mode leaves the modification time alone, but the content does not, so times come last.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import {
  AT_SYMLINK_NOFOLLOW,
  check,
  displayPath,
  EACCES,
  EINVAL,
  ENOTSUP,
  EPERM,
  fchmod,
  fchmodat,
  fchown,
  fchownat,
  fsetxattr,
  setxattrat,
  utimensat,
} from "../../linux/mod.ts";
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../../tree/inode.ts";
import type { ErofsView } from "../../tree/mod.ts";
import { must } from "./path.ts";

/** What new files and directories belong to by themselves. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** What could not be set without root's rights. */
export interface Skipped {
  owners: number;
  xattrs: number;
  /** setuid and setgid bits. */
  modes: number;
  devices: number;
}

/** How setting an attribute is refused without root's rights; EINVAL: an ACL for somebody whom the user namespace does not know. */
const REFUSALS = [-EPERM, -EACCES, -ENOTSUP, -EINVAL];

const SPECIAL_BITS = 0o7000;
const SETID_BITS = 0o6000;

/** Applies metadata of a tree's inodes. */
export class Metadata {
  readonly #view: ErofsView;
  readonly #owner: Owner;
  /** Whether what may not be set is left out and counted. */
  readonly lenient: boolean;
  /** Where what is left out is counted. */
  readonly skipped: Skipped;
  // What the visitor of xattrs acts on; set before each visit, so that no closure is made for each file.
  #fd = -1;
  #name: Uint8Array | null = null;

  /**
   * @param skipped Where what is left out is counted.
   * @param owner What new files belong to by themselves: it is not set again.
   * @param lenient Whether what may not be set is left out and counted, and setuid and setgid are never given: without root's rights.
   */
  constructor(view: ErofsView, skipped: Skipped, owner: Owner, lenient: boolean) {
    this.#view = view;
    this.skipped = skipped;
    this.#owner = owner;
    this.lenient = lenient;
  }

  /** The permission bits to create something with, so that most need no chmod afterwards (the umask is 0). */
  createMode(mode: number): number {
    // The owner can always read and write while it is being built; user.* attributes, too, need write permission.
    if ((mode & S_IFMT) === S_IFDIR) return (mode & 0o777) | 0o700;
    return this.lenient && (mode & S_IFMT) === S_IFREG ? (mode & 0o777) | 0o600 : mode & 0o777;
  }

  /**
   * Sets all metadata of a file or directory that is open.
   *
   * @param mode What the tree says.
   * @param now What the permission bits are now.
   */
  open(fd: number, nid: number, mode: number, now: number = this.createMode(mode)): void {
    const view = this.#view;
    const uid = view.uid(nid);
    const gid = view.gid(nid);
    if (uid !== this.#owner.uid || gid !== this.#owner.gid) {
      this.#owned(fchown(fd, uid, gid), "fchown");
    }
    // Without root's rights user.* attributes need write permission, which the mode may take away.
    if (this.lenient) this.#xattrs(fd, null, nid);
    const wanted = this.#finalMode(mode);
    if (wanted !== now) check(fchmod(fd, wanted), "fchmod", "");
    if (!this.lenient) this.#xattrs(fd, null, nid);
    check(utimensat(fd, null, view.mtime(nid), view.nsec(nid)), "futimens", "");
  }

  /** The same for what is not open: links, devices, fifos, sockets, empty directories. */
  named(directory: number, name: Uint8Array, nid: number, mode: number): void {
    const view = this.#view;
    const uid = view.uid(nid);
    const gid = view.gid(nid);
    if (uid !== this.#owner.uid || gid !== this.#owner.gid) {
      this.#owned(fchownat(directory, name, uid, gid, AT_SYMLINK_NOFOLLOW), "fchownat");
    }
    if ((mode & S_IFMT) !== S_IFLNK) {
      const wanted = this.#finalMode(mode);
      if (wanted !== this.createMode(mode)) {
        check(fchmodat(directory, name, wanted), "fchmodat", "");
      }
    }
    this.#xattrs(directory, name, nid);
    const result = utimensat(
      directory,
      name,
      view.mtime(nid),
      view.nsec(nid),
      AT_SYMLINK_NOFOLLOW,
    );
    check(result, "utimensat", "");
  }

  #xattrs(fd: number, name: Uint8Array | null, nid: number): void {
    if (!this.#view.hasXattrs(nid)) return;
    this.#fd = fd;
    this.#name = name;
    this.#view.xattrs(nid, this.#setXattr);
  }

  #finalMode(mode: number): number {
    if (!this.lenient || (mode & SETID_BITS) === 0) return mode & (SPECIAL_BITS | 0o777);
    this.skipped.modes++;
    return mode & ((SPECIAL_BITS | 0o777) & ~SETID_BITS);
  }

  #owned(result: number, syscall: string): void {
    if (result >= 0) return;
    if (this.lenient) this.skipped.owners++;
    else check(result, syscall, "");
  }

  readonly #setXattr = (key: Uint8Array, value: Uint8Array): void => {
    const result = this.#name === null
      ? fsetxattr(this.#fd, key, value)
      : setxattrat(this.#fd, this.#name, key, value);
    if (result >= 0) return;
    if (this.lenient && REFUSALS.includes(result)) {
      this.skipped.xattrs++;
    } else if (result === -ENOTSUP) {
      throw new LaminaError(
        "unsupported",
        `setting ${
          displayPath(key)
        }: the target's filesystem does not keep this extended attribute (EOPNOTSUPP)`,
        { hint: "Compose on a filesystem that does, such as ext4, XFS or btrfs." },
      );
    } else {
      must(result, "setxattr", key);
    }
  };
}
