/**
 * Constants of the kernel's interface to programs, right for x86_64 and aarch64.
 *
 * Sources: `asm-generic/fcntl.h`, `arch/arm64/include/uapi/asm/fcntl.h`, `linux/fcntl.h`, `linux/openat2.h`, `linux/stat.h`,
 * `linux/fs.h`. Importing this file touches nothing: on another system or machine it is {@link libc!bind} that refuses.
 *
 * @module
 */

const arm = Deno.build.arch === "aarch64";

/** Open for reading: open(2). */
export const O_RDONLY = 0;
/** Open for writing: open(2). */
export const O_WRONLY = 1;
/** Open for reading and writing: open(2). */
export const O_RDWR = 2;
/** Create the file if it is not there: open(2). */
export const O_CREAT = 0o100;
/** With {@link O_CREAT}: fail with EEXIST if it is there: open(2). */
export const O_EXCL = 0o200;
/** Cut an existing file to length 0: open(2). */
export const O_TRUNC = 0o1000;
/** Write at the end: open(2). */
export const O_APPEND = 0o2000;
/** Do not wait, for instance for the other end of a fifo: open(2). */
export const O_NONBLOCK = 0o4000;
/** Fail with ENOTDIR on what is no directory: open(2). */
export const O_DIRECTORY = arm ? 0o40000 : 0o200000;
/** Fail with ELOOP on a symbolic link: open(2). */
export const O_NOFOLLOW = arm ? 0o100000 : 0o400000;
/** Close at execve(2): open(2). */
export const O_CLOEXEC = 0o2000000;
/** A handle on the place, not on the content: open(2). */
export const O_PATH = 0o10000000;
/** An unnamed file in the directory given: open(2). */
export const O_TMPFILE: number = 0o20000000 | O_DIRECTORY;

/** In place of a directory descriptor: the current working directory: openat(2). */
export const AT_FDCWD: number = -100;
/** Act on a symbolic link itself: fstatat(2). */
export const AT_SYMLINK_NOFOLLOW = 0x100;
/** unlinkat(2) removes a directory. */
export const AT_REMOVEDIR = 0x200;
/** linkat(2) follows a symbolic link. */
export const AT_SYMLINK_FOLLOW = 0x400;
/** An empty path stands for the descriptor itself: fstatat(2). */
export const AT_EMPTY_PATH = 0x1000;
/** Act on the whole tree of mounts: open_tree(2), mount_setattr(2). */
export const AT_RECURSIVE = 0x8000;

/** openat2(2): do not follow links of /proc that lead elsewhere. */
export const RESOLVE_NO_MAGICLINKS = 0x02;
/** openat2(2): do not follow any symbolic link. */
export const RESOLVE_NO_SYMLINKS = 0x04;
/** openat2(2): fail with EXDEV on what would leave the directory. */
export const RESOLVE_BENEATH = 0x08;
/** openat2(2): the directory is the root of all paths. */
export const RESOLVE_IN_ROOT = 0x10;

/** renameat2(2): fail with EEXIST if the new name is there. */
export const RENAME_NOREPLACE = 1;
/** renameat2(2): exchange the two names. */
export const RENAME_EXCHANGE = 2;

/** In place of nanoseconds: the time now: utimensat(2). */
export const UTIME_NOW = 0x3fffffff;

/** lseek(2): from the start. */
export const SEEK_SET = 0;
/** lseek(2): from where the offset is. */
export const SEEK_CUR = 1;
/** lseek(2): from the end. */
export const SEEK_END = 2;
/** lseek(2): to the next data at or after the offset; ENXIO if there is none. */
export const SEEK_DATA = 3;
/** lseek(2): to the next hole (the end of the file counts as one). */
export const SEEK_HOLE = 4;

/** flock(2): shared. */
export const LOCK_SH = 1;
/** flock(2): exclusive. */
export const LOCK_EX = 2;
/** flock(2): with another: fail with EAGAIN rather than wait. */
export const LOCK_NB = 4;

/** fallocate(2): do not change the size. */
export const FALLOC_FL_KEEP_SIZE = 1;
/** fallocate(2): make a hole (with {@link FALLOC_FL_KEEP_SIZE}). */
export const FALLOC_FL_PUNCH_HOLE = 2;

/** setxattr(2): fail with EEXIST if the attribute is there. */
export const XATTR_CREATE = 1;
/** setxattr(2): fail with ENODATA if it is not. */
export const XATTR_REPLACE = 2;

/** posix_fadvise(2): will be read in order. */
export const POSIX_FADV_SEQUENTIAL = 2;
/** posix_fadvise(2): will not be needed. */
export const POSIX_FADV_DONTNEED = 4;

/** sync_file_range(2): start writing. */
export const SYNC_FILE_RANGE_WRITE = 2;

/** getdents64(2): the filesystem does not say. */
export const DT_UNKNOWN = 0;
/** getdents64(2): fifo. */
export const DT_FIFO = 1;
/** getdents64(2): character device. */
export const DT_CHR = 2;
/** getdents64(2): directory. */
export const DT_DIR = 4;
/** getdents64(2): regular file. */
export const DT_REG = 8;
/** getdents64(2): symbolic link. */
export const DT_LNK = 10;
/** getdents64(2): socket. */
export const DT_SOCK = 12;

/** Largest count that one read(2), write(2) or copy_file_range(2) moves (MAX_RW_COUNT). */
export const MAX_RW_COUNT = 0x7ffff000;

/**
 * System call numbers of what glibc 2.31 has no function for. From 424 on they are the same on every machine.
 */
export const SYS = {
  /** mknodat(2): a function of glibc only since 2.33. */
  mknodat: arm ? 33n : 259n,
  /** pivot_root(2). */
  pivot_root: arm ? 41n : 155n,
  open_tree: 428n,
  move_mount: 429n,
  fsopen: 430n,
  fsconfig: 431n,
  fsmount: 432n,
  openat2: 437n,
  mount_setattr: 442n,
} as const;
