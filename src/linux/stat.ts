/**
 * What a file is: statx(2); what a filesystem is: fstatfs(2).
 *
 * @module
 */

import { AT_EMPTY_PATH } from "./abi.ts";
import { check } from "./errno.ts";
import { bind, errno, type Libc } from "./libc.ts";
import { type CPath, cpath } from "./path.ts";

const TWO_32 = 4294967296;
const STATX_BASIC_STATS = 0x7ff;
const STATX_MNT_ID = 0x1000;

/** `attributes`: the root of a mount: statx(2), Linux 5.8. */
export const STATX_ATTR_MOUNT_ROOT = 0x2000;
/** `attributes`: fs-verity is on: statx(2), Linux 5.5. */
export const STATX_ATTR_VERITY = 0x100000;

/**
 * What {@link statx} fills in: the kernel's `struct statx` as it is, read where it lies. Make one and use it again and again;
 * all numbers are exact up to 2^53.
 */
export class Stat {
  /** The kernel's structure (256 bytes), as 32-bit words. */
  readonly words: Uint32Array = new Uint32Array(64);
  readonly #signed = new Int32Array(this.words.buffer);

  /** `st_mode`: type and permission bits. */
  get mode(): number {
    return this.words[7] & 0xffff;
  }
  /** Number of hard links. */
  get nlink(): number {
    return this.words[4];
  }
  /** Owner. */
  get uid(): number {
    return this.words[5];
  }
  /** Group. */
  get gid(): number {
    return this.words[6];
  }
  /** Inode number. */
  get ino(): number {
    return this.words[8] + this.words[9] * TWO_32;
  }
  /** Bytes. */
  get size(): number {
    return this.words[10] + this.words[11] * TWO_32;
  }
  /** Allocated, in units of 512 bytes. */
  get blocks(): number {
    return this.words[12] + this.words[13] * TWO_32;
  }
  /** Bits such as {@link STATX_ATTR_VERITY} (the lower 32). */
  get attributes(): number {
    return this.words[2];
  }
  /** Modification time, whole seconds since the epoch; may be negative. */
  get mtime(): number {
    return this.words[28] + this.#signed[29] * TWO_32;
  }
  /** Modification time, nanoseconds. */
  get nsec(): number {
    return this.words[30];
  }
  /** Time of the last change of the inode, whole seconds since the epoch. */
  get ctime(): number {
    return this.words[24] + this.#signed[25] * TWO_32;
  }
  /** Time of the last change of the inode, nanoseconds. */
  get ctimeNsec(): number {
    return this.words[26];
  }
  /** Major number of a device node. */
  get rdevMajor(): number {
    return this.words[32];
  }
  /** Minor number of a device node. */
  get rdevMinor(): number {
    return this.words[33];
  }
  /** Number of a device node in the kernel's 32-bit encoding, as mknodat takes it. */
  get rdev(): number {
    const minor = this.words[33];
    return ((minor & 0xff) | ((this.words[32] & 0xfff) << 8) | ((minor & ~0xff) << 12)) >>> 0;
  }
  /** Major number of the device that holds the file. */
  get devMajor(): number {
    return this.words[34];
  }
  /** Minor number of the device that holds the file. */
  get devMinor(): number {
    return this.words[35];
  }
  /** Id of the mount that the file was reached by (Linux 5.8), as in /proc/self/mountinfo; 0 where the kernel does not say. */
  get mountId(): number {
    return (this.words[0] & STATX_MNT_ID) === 0 ? 0 : this.words[36] + this.words[37] * TWO_32;
  }
}

let fn_statx: Libc["statx"] | undefined;
/**
 * statx(2), basic fields and mount id. Follows a symbolic link unless `flags` has AT_SYMLINK_NOFOLLOW.
 *
 * @returns 0 or `-errno`.
 */
export function statx(dir: number, name: CPath, flags: number, into: Stat): number {
  const r = fn_statx?.(dir, cpath(name), flags, STATX_BASIC_STATS | STATX_MNT_ID, into.words) ??
    bind("statx", (f) => fn_statx = f)(
      dir,
      cpath(name),
      flags,
      STATX_BASIC_STATS | STATX_MNT_ID,
      into.words,
    );
  return r < 0 ? -errno[0] : r;
}

const EMPTY = new Uint8Array(1);

/** {@link statx} of an open descriptor (O_PATH ones too). */
export function fstat(fd: number, into: Stat): number {
  return statx(fd, EMPTY, AT_EMPTY_PATH, into);
}

/** A filesystem: statfs(2). Counts of blocks are in units of `blockSize` bytes. */
export interface StatFs {
  /** Magic number, such as 0x58465342 for XFS (`linux/magic.h`). */
  readonly type: number;
  /** Bytes in a block. */
  readonly blockSize: number;
  /** Blocks in all. */
  readonly blocks: number;
  /** Blocks that are free. */
  readonly free: number;
  /** Blocks that are free for who is not root. */
  readonly available: number;
  /** Inodes; 0 where the filesystem has no limit. */
  readonly files: number;
  /** Inodes that are free. */
  readonly filesFree: number;
  /** Identity of the filesystem, 16 hex digits as stat(1) has them. On btrfs it differs between subvolumes. */
  readonly fsid: string;
  /** Mount flags (ST_RDONLY = 1, ST_NOSUID = 2 …). */
  readonly flags: number;
}

/** Magic number of ext2, ext3 and ext4. */
export const EXT4_SUPER_MAGIC = 0xef53;
/** Magic number of XFS. */
export const XFS_SUPER_MAGIC = 0x58465342;
/** Magic number of btrfs. */
export const BTRFS_SUPER_MAGIC = 0x9123683e;
/** Magic number of tmpfs. */
export const TMPFS_MAGIC = 0x01021994;
/** Magic number of overlayfs. */
export const OVERLAYFS_SUPER_MAGIC = 0x794c7630;
/** Magic number of EROFS. */
export const EROFS_SUPER_MAGIC = 0xe0f5e1e2;

let fn_fstatfs: Libc["fstatfs"] | undefined;

function callFstatfs(fd: number, into: Uint32Array): number {
  const r = fn_fstatfs?.(fd, into) ?? bind("fstatfs", (f) => fn_fstatfs = f)(fd, into);
  return r < 0 ? -errno[0] : r;
}

/**
 * fstatfs(2) of the filesystem that holds an open file.
 *
 * @throws {SysError}
 */
export function fstatfs(fd: number): StatFs {
  const words = new Uint32Array(30);
  check(callFstatfs(fd, words), "fstatfs", `descriptor ${fd}`);
  const wide = (i: number) => words[i] + words[i + 1] * TWO_32;
  return {
    type: words[0],
    blockSize: wide(2),
    blocks: wide(4),
    free: wide(6),
    available: wide(8),
    files: wide(10),
    filesFree: wide(12),
    fsid: [words[14], words[15]].map((w) => w.toString(16).padStart(8, "0")).join(""),
    flags: wide(20),
  };
}
