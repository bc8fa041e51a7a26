/**
 * What a filesystem takes for its own records of files and names, beyond the blocks that stat(2) tells.
 *
 * ext4 has its inodes ready from the start, and names in directories' blocks: nothing comes on top. XFS makes inodes when they are needed. btrfs
 * keeps everything, content of small files too, in trees that it may write twice; there is no way to ask what part of these belongs to some
 * files, so it is estimated, item by item (btrfs on-disk format; `struct btrfs_item` and the like in `linux/btrfs_tree.h`).
 *
 * @module
 */

import {
  BTRFS_SUPER_MAGIC,
  cstringLength,
  ioctl,
  type Stat,
  XFS_SUPER_MAGIC,
} from "../../linux/mod.ts";
import { allocated } from "../walk.ts";

/** How it is counted. */
export type MetadataModel = "included" | "inodes" | "estimated";

/** struct btrfs_item, the header of each item in a leaf. */
const ITEM = 25;
/** btrfs_inode_item. */
const INODE = 160;
/** btrfs_inode_ref, and btrfs_dir_item, which is there twice (by hash and by index). */
const INODE_REF = 10;
const DIR_ITEM = 30;
/** btrfs_file_extent_item; its head, where the content follows. */
const FILE_EXTENT = 53;
const INLINE_EXTENT = 21;
/** btrfs_extent_item with one inline reference to data. */
const EXTENT_ITEM = 24 + 29;
/** crc32c of each 4 KiB. */
const CHECKSUM = 4 / 4096;
/** How full leaves are that were filled in order. */
const FILL = 0.8;

/** Adds up a filesystem's own records. */
export class Metadata {
  /** How it is counted. */
  readonly model: MetadataModel;
  readonly #each: number;
  readonly #copies: number;
  #names = 0;
  #inodes = 0;
  #nameBytes = 0;
  #extents = 0;
  #checksummed = 0;
  #inline = 0;
  #inlineBytes = 0;

  /**
   * @param fd A descriptor of the filesystem.
   * @param type Its magic number.
   */
  constructor(fd: number, type: number) {
    this.model = type === BTRFS_SUPER_MAGIC
      ? "estimated"
      : type === XFS_SUPER_MAGIC
      ? "inodes"
      : "included";
    this.#each = inodeBytes(fd, type);
    this.#copies = type === BTRFS_SUPER_MAGIC ? btrfsMetadataCopies(fd) : 1;
  }

  /** A name, NUL-terminated. */
  name(name: Uint8Array): void {
    this.#names++;
    this.#nameBytes += cstringLength(name);
  }

  /** An inode. */
  inode(stat: Stat): void {
    this.#inodes++;
    const bytes = allocated(stat);
    if (bytes === 0) return;
    this.#extents++;
    this.#checksummed += bytes;
  }

  /** The inode that was added last has its content, which is counted as such, in the metadata; st_blocks is as if it had blocks. */
  inline(stat: Stat): void {
    this.#inline++;
    this.#inlineBytes += stat.size;
    this.#checksummed -= allocated(stat);
  }

  /** In words. */
  get method(): string {
    if (this.model === "estimated") {
      return `metadata estimated by items${this.#copies > 1 ? `, ${this.#copies} copies` : ""}`;
    }
    return this.model === "inodes"
      ? `${this.#each} bytes of metadata for each inode`
      : "inodes are not counted: the filesystem has them anyway";
  }

  /** Bytes of it all. */
  get bytes(): number {
    if (this.model !== "estimated") return this.#inodes * this.#each;
    const items = this.#inodes * (ITEM + INODE) +
      this.#names * (3 * ITEM + INODE_REF + 2 * DIR_ITEM) + 3 * this.#nameBytes +
      (this.#extents - this.#inline) * (2 * ITEM + FILE_EXTENT + EXTENT_ITEM) +
      this.#inline * (ITEM + INLINE_EXTENT) + this.#inlineBytes +
      this.#checksummed * CHECKSUM;
    return Math.round(items / FILL * this.#copies) - this.#inlineBytes;
  }
}

/** Bytes that an inode itself takes and gives back; 0 where the filesystem has its inodes anyway, or nobody can tell. */
export function inodeBytes(fd: number, type: number): number {
  return type === XFS_SUPER_MAGIC ? xfsInodeSize(fd) : 0;
}

const XFS_IOC_FSGEOMETRY = 0x8100587e;
const DEFAULT_XFS_INODE = 512;

/** ioctl_xfs_fsgeometry(2): the bytes of an inode. */
function xfsInodeSize(fd: number): number {
  const geometry = new Uint32Array(64);
  if (ioctl(fd, XFS_IOC_FSGEOMETRY, geometry) < 0) return DEFAULT_XFS_INODE;
  // blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize
  return geometry[6];
}

const BTRFS_IOC_SPACE_INFO = 0xc0109414;
const BTRFS_BLOCK_GROUP_METADATA = 4;
/** Profiles that write everything twice: RAID1, DUP, RAID10. */
const TWICE = 0x10 | 0x20 | 0x40;
const SLOTS = 16;

/** How often btrfs writes metadata. */
function btrfsMetadataCopies(fd: number): number {
  // struct btrfs_ioctl_space_args: slots, spaces; then flags, total, used of each.
  const spaces = new BigUint64Array(2 + SLOTS * 3);
  spaces[0] = BigInt(SLOTS);
  if (ioctl(fd, BTRFS_IOC_SPACE_INFO, spaces) < 0) return 1;
  let copies = 1;
  for (let i = 0; i < Number(spaces[1]); i++) {
    const flags = Number(spaces[2 + 3 * i] & 0xffffn);
    if ((flags & BTRFS_BLOCK_GROUP_METADATA) !== 0 && (flags & TWICE) !== 0) copies = 2;
  }
  return copies;
}
