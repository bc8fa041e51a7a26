/**
 * What a composefs image looks like: the constants that its writer and its readers share. README.md in this directory
 * tells the format as a whole.
 *
 * @module
 */

import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from "./inode.ts";

/** Bytes of a block. */
export const BLOCK = 4096;
/** Bytes of an inode slot: the inode with number `nid` starts at `nid * SLOT`. */
export const SLOT = 32;
/** Bytes of a compact inode, which has the image's build time for its modification time. */
export const COMPACT = 32;
/** Bytes of an extended inode. */
export const EXTENDED = 64;

/** First word of the file. */
export const COMPOSEFS_MAGIC = 0xd078629a;
/** Version of the header, its second word. */
export const HEADER_VERSION = 1;
/** Header flag: some inode has a POSIX ACL. */
export const FLAG_HAS_ACL = 1;

/** Where the EROFS superblock is. */
export const SUPERBLOCK = 1024;
/** Bytes of the superblock; the first inode slot follows. */
export const SUPERBLOCK_SIZE = 128;
/** First word of the superblock. */
export const EROFS_MAGIC = 0xe0f5e1e2;
/** `feature_compat`: MTIME and XATTR_FILTER. */
export const FEATURE_COMPAT = 6;

/** Data layout: content (if any) in blocks. */
export const LAYOUT_PLAIN = 0;
/** Data layout: leading content in blocks, the rest behind the inode. */
export const LAYOUT_INLINE = 2;
/** Data layout: chunks; here always holes, the content is an object. */
export const LAYOUT_CHUNKS = 4;

/** Bytes of a directory entry without its name. */
export const DIRENT = 12;
/** A last piece of a directory or of inline content above this size becomes a block. */
export const MAX_TAIL = 2048;
/** Bytes of the fixed part of an inode's xattrs. */
export const XATTR_HEADER = 12;
/** Largest number of references to shared xattrs in an inode. */
export const MAX_SHARED = 128;
/** Largest content that can be kept inline. */
export const MAX_INLINE = 5000;
/** Largest file, 8 PiB: 1024 chunks of the largest size. */
export const MAX_FILE = 2 ** 53;
/** Largest rdev, uid, gid and link count. */
export const MAX_U32 = 0xffffffff;

// File types in directory entries.
/** A regular file. */
export const FT_REG = 1;
/** A directory. */
export const FT_DIR = 2;
/** A character device. */
export const FT_CHR = 3;
/** A block device. */
export const FT_BLK = 4;
/** A fifo. */
export const FT_FIFO = 5;
/** A socket. */
export const FT_SOCK = 6;
/** A symbolic link. */
export const FT_LNK = 7;

const FILE_TYPES = new Uint8Array(16);
FILE_TYPES[S_IFREG >> 12] = FT_REG;
FILE_TYPES[S_IFDIR >> 12] = FT_DIR;
FILE_TYPES[S_IFCHR >> 12] = FT_CHR;
FILE_TYPES[S_IFBLK >> 12] = FT_BLK;
FILE_TYPES[S_IFIFO >> 12] = FT_FIFO;
FILE_TYPES[S_IFSOCK >> 12] = FT_SOCK;
FILE_TYPES[S_IFLNK >> 12] = FT_LNK;

/** The file type of a directory entry, from a mode; 0 for an impossible mode. */
export function fileType(mode: number): number {
  return FILE_TYPES[(mode & S_IFMT) >> 12];
}

/** Prefixes of xattr names, in the order in which they are tried. */
export const XATTR_PREFIXES: readonly { readonly index: number; readonly prefix: string }[] = [
  { index: 1, prefix: "user." },
  { index: 2, prefix: "system.posix_acl_access" },
  { index: 3, prefix: "system.posix_acl_default" },
  { index: 4, prefix: "trusted." },
  { index: 6, prefix: "security." },
];
/** Seed of the hash in the name filter; the prefix index is added to it. */
export const XATTR_FILTER_SEED = 0x25bbe08f;

/** The attributes that composefs adds, under their names in the image. */
export const OVERLAY = "trusted.overlay.";
/** What {@link OVERLAY} becomes in front of an attribute of the tree's own. */
export const ESCAPED_OVERLAY = "trusted.overlay.overlay.";
/** On files whose content is an object: that it is, and the digest. */
export const METACOPY = "trusted.overlay.metacopy";
/** On the same files: `/` and the path of the object. */
export const REDIRECT = "trusted.overlay.redirect";
/** On the root. */
export const OPAQUE = "trusted.overlay.opaque";
/** On an empty file that stands for a whiteout. */
export const WHITEOUT_MARKS = ["trusted.overlay.overlay.whiteout", "user.overlay.whiteout"];
/** On a directory that holds whiteouts. */
export const WHITEOUTS_MARKS = ["trusted.overlay.overlay.whiteouts", "user.overlay.whiteouts"];
/** With value `x`, also on a directory that holds whiteouts, since version 1. */
export const OPAQUE_MARKS = ["trusted.overlay.overlay.opaque", "user.overlay.opaque"];

/** Names of the 256 whiteouts that every root has where it has nothing else of that name. */
export const STUB_NAMES: readonly string[] = Array.from(
  { length: 256 },
  (_, i) => i.toString(16).padStart(2, "0"),
);
/** Mode of these. */
export const STUB_MODE = S_IFCHR | 0o644;

/** The number of bits of a chunk's size for a file of `size` bytes. */
export function chunkBits(size: number): number {
  // The bit length of size - 1, exact up to 2^53.
  const last = size - 1;
  const high = Math.floor(last / 2 ** 32);
  const bits = high > 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(last >>> 0);
  return Math.min(Math.max(bits, 12), 43);
}
