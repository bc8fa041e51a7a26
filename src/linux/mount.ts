/**
 * Mounts: the file-descriptor based calls of Linux 5.2 and later, and mount(2).
 *
 * The new calls go by number, since glibc has functions for them only from 2.36 on. All return a descriptor, 0 or `-errno`;
 * descriptors are close-on-exec. A seccomp filter may answer EPERM or ENOSYS for them.
 *
 * @module
 */

import { O_CLOEXEC, SYS } from "./abi.ts";
import { E2BIG } from "./errno.ts";
import { read } from "./file.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath, cpath2, cstring, cstringLength } from "./path.ts";

/** fsmount(2), mount_setattr(2): read-only. */
export const MOUNT_ATTR_RDONLY = 0x1;
/** fsmount(2), mount_setattr(2): ignore setuid and setgid bits and file capabilities. */
export const MOUNT_ATTR_NOSUID = 0x2;
/** fsmount(2), mount_setattr(2): no device files. */
export const MOUNT_ATTR_NODEV = 0x4;
/** fsmount(2), mount_setattr(2): no programs. */
export const MOUNT_ATTR_NOEXEC = 0x8;
/** mount_setattr(2): map owners through a user namespace. Linux 5.12. */
export const MOUNT_ATTR_IDMAP = 0x100000;

/** move_mount(2): the source is the descriptor itself. */
export const MOVE_MOUNT_F_EMPTY_PATH = 0x4;
/** move_mount(2): follow a symbolic link at the end of the target. */
export const MOVE_MOUNT_T_SYMLINKS = 0x10;

/** open_tree(2): a detached copy of the mount, not the place itself. */
export const OPEN_TREE_CLONE = 1;

/** mount(2): read-only. */
export const MS_RDONLY = 1;
/** mount(2): change a mount that is there. */
export const MS_REMOUNT = 32;
/** mount(2): show a directory a second time. */
export const MS_BIND = 4096;
/** mount(2): with MS_BIND or a propagation: all mounts below too. */
export const MS_REC = 16384;
/** mount(2): moves a mount to another place. */
export const MS_MOVE = 8192;
/** mount(2): nothing propagates in or out. */
export const MS_PRIVATE = 1 << 18;
/** mount(2): mounts propagate in, not out. */
export const MS_SLAVE = 1 << 19;

/** umount2(2): out of sight now, gone when nobody uses it any more. */
export const MNT_DETACH = 2;
/** umount2(2): do not follow a symbolic link. */
export const UMOUNT_NOFOLLOW = 8;

const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_SET_FD = 5;
const FSCONFIG_CMD_CREATE = 6;

let fn_fsopen: Libc["sysFsopen"] | undefined;
/** fsopen(2): begins a new filesystem of a type (`overlay`, `erofs`, `tmpfs`). ENODEV: the kernel has none such. */
export function fsopen(type: CPath): number {
  const r = fn_fsopen?.(SYS.fsopen, cpath(type), 1) ??
    bind("sysFsopen", (f) => fn_fsopen = f)(SYS.fsopen, cpath(type), 1);
  return r < 0 ? -errno[0] : r;
}

let fn_fsconfig: Libc["sysFsconfig"] | undefined;
function fsconfig(
  fd: number,
  command: number,
  key: Uint8Array | null,
  value: Uint8Array | null,
  aux: number,
): number {
  const r = fn_fsconfig?.(SYS.fsconfig, fd, command, key, value, aux) ??
    bind("sysFsconfig", (f) => fn_fsconfig = f)(SYS.fsconfig, fd, command, key, value, aux);
  return r < 0 ? -errno[0] : r;
}

/** fsconfig(2), FSCONFIG_SET_FLAG: an option without a value (`ro`). */
export function fsconfigFlag(fd: number, key: CPath): number {
  return fsconfig(fd, FSCONFIG_SET_FLAG, cpath(key), null, 0);
}

/**
 * fsconfig(2), FSCONFIG_SET_STRING. A value of 256 bytes or more is EINVAL: pass a descriptor ({@link fsconfigFd}), or a
 * path below /proc/self/fd.
 */
export function fsconfigString(fd: number, key: CPath, value: CPath): number {
  return fsconfig(fd, FSCONFIG_SET_STRING, cpath(key), cpath2(value), 0);
}

/** fsconfig(2), FSCONFIG_SET_FD. overlay takes descriptors of layers since Linux 6.13, O_PATH and detached ones since 6.15. */
export function fsconfigFd(fd: number, key: CPath, value: number): number {
  return fsconfig(fd, FSCONFIG_SET_FD, cpath(key), null, value);
}

/** fsconfig(2), FSCONFIG_CMD_CREATE: makes the filesystem of the options given. */
export function fsconfigCreate(fd: number): number {
  return fsconfig(fd, FSCONFIG_CMD_CREATE, null, null, 0);
}

let fn_fsmount: Libc["sysFsmount"] | undefined;
/**
 * fsmount(2): a mount of the filesystem, attached nowhere yet. It is gone when its descriptor is closed before it is attached.
 *
 * @param fd From {@link fsopen}, after {@link fsconfigCreate}.
 * @param flags Added to FSMOUNT_CLOEXEC.
 * @param attributes `MOUNT_ATTR_*`.
 */
export function fsmount(fd: number, flags: number, attributes: number): number {
  const r = fn_fsmount?.(SYS.fsmount, fd, flags | 1, attributes) ??
    bind("sysFsmount", (f) => fn_fsmount = f)(SYS.fsmount, fd, flags | 1, attributes);
  return r < 0 ? -errno[0] : r;
}

let fn_move_mount: Libc["sysMoveMount"] | undefined;
/** move_mount(2): attaches a detached mount (MOVE_MOUNT_F_EMPTY_PATH with an empty `fromPath`), or moves an attached one. */
export function moveMount(
  fromDir: number,
  fromPath: CPath,
  toDir: number,
  toPath: CPath,
  flags: number,
): number {
  const r =
    fn_move_mount?.(SYS.move_mount, fromDir, cpath(fromPath), toDir, cpath2(toPath), flags) ??
      bind("sysMoveMount", (f) => fn_move_mount = f)(
        SYS.move_mount,
        fromDir,
        cpath(fromPath),
        toDir,
        cpath2(toPath),
        flags,
      );
  return r < 0 ? -errno[0] : r;
}

let fn_open_tree: Libc["sysOpenTree"] | undefined;
/** open_tree(2); `flags` of OPEN_TREE_CLONE, AT_EMPTY_PATH, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW. */
export function openTree(dir: number, path: CPath, flags: number): number {
  const r = fn_open_tree?.(SYS.open_tree, dir, cpath(path), flags | O_CLOEXEC) ??
    bind("sysOpenTree", (f) => fn_open_tree = f)(
      SYS.open_tree,
      dir,
      cpath(path),
      flags | O_CLOEXEC,
    );
  return r < 0 ? -errno[0] : r;
}

/** What {@link mountSetattr} changes. */
export interface MountAttributes {
  /** `MOUNT_ATTR_*` to set. */
  readonly set?: number;
  /** `MOUNT_ATTR_*` to clear. */
  readonly clear?: number;
  /** MS_PRIVATE, MS_SLAVE …; 0 or undefined leaves it. */
  readonly propagation?: number;
  /** Descriptor of a user namespace, for MOUNT_ATTR_IDMAP. */
  readonly userNamespace?: number;
}

let fn_mount_setattr: Libc["sysMountSetattr"] | undefined;
/** mount_setattr(2), Linux 5.12; `flags` of AT_EMPTY_PATH, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW. */
export function mountSetattr(
  dir: number,
  path: CPath,
  flags: number,
  attributes: MountAttributes,
): number {
  const { set = 0, clear = 0, propagation = 0, userNamespace = 0 } = attributes;
  const words = new BigUint64Array([set, clear, propagation, userNamespace].map(BigInt));
  const r = fn_mount_setattr?.(SYS.mount_setattr, dir, cpath(path), flags, words, 32n) ??
    bind("sysMountSetattr", (f) => fn_mount_setattr = f)(
      SYS.mount_setattr,
      dir,
      cpath(path),
      flags,
      words,
      32n,
    );
  return r < 0 ? -errno[0] : r;
}

/** mount(2) copies one page of options and cuts the rest off without a word. */
const DATA_MAX = 4095;

let fn_mount: Libc["mount"] | undefined;
/**
 * mount(2).
 *
 * @param flags `MS_*`.
 * @param data Options of the filesystem, joined by commas; E2BIG if they are longer than the 4,095 bytes that the kernel reads.
 */
export function mount(
  source: CPath | null,
  target: CPath,
  type: CPath | null,
  flags: number,
  data: CPath | null = null,
): number {
  // The kernel reads a whole page from where the options begin.
  const page = data === null ? null : new Uint8Array(DATA_MAX + 1);
  if (page !== null) {
    const bytes = cstring(data!);
    if (bytes.length > page.length) return -E2BIG;
    page.set(bytes);
  }
  const name = type === null ? null : cstring(type);
  const from = source === null ? null : cpath(source);
  const r = fn_mount?.(from, cpath2(target), name, BigInt(flags), page) ??
    bind("mount", (f) => fn_mount = f)(from, cpath2(target), name, BigInt(flags), page);
  return r < 0 ? -errno[0] : r;
}

let fn_umount2: Libc["umount2"] | undefined;
/** umount2(2); `flags` of MNT_DETACH, UMOUNT_NOFOLLOW. EINVAL: nothing is mounted there. */
export function umount2(path: CPath, flags: number): number {
  const r = fn_umount2?.(cpath(path), flags) ??
    bind("umount2", (f) => fn_umount2 = f)(cpath(path), flags);
  return r < 0 ? -errno[0] : r;
}

/**
 * What the kernel says about the last failure on a descriptor from {@link fsopen}: its messages without their level, joined
 * by `; `; empty if there are none. Each is given once.
 */
export function fsMessage(fd: number): string {
  const buffer = new Uint8Array(4096);
  const lines: string[] = [];
  for (;;) {
    const length = read(fd, buffer);
    if (length <= 0) return lines.join("; ");
    const end = Math.min(length, cstringLength(buffer));
    // "e ", "w " or "i " before the text; a line feed may end it.
    lines.push(new TextDecoder().decode(buffer.subarray(0, end)).replace(/^[ewi] /, "").trim());
    buffer.fill(0);
  }
}
