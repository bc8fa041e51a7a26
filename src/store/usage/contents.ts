/**
 * What the content of trees takes: the blocks that a copy of each inode has on this filesystem.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  BTRFS_SUPER_MAGIC,
  EXT4_SUPER_MAGIC,
  Fd,
  fstatfs,
  O_DIRECTORY,
  O_RDONLY,
  Stat,
  statx,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import { ErofsView, S_IFDIR, S_IFREG } from "../../tree/mod.ts";
import { allocated } from "../walk.ts";

/** btrfs(5), max_inline: smaller files have their content in the metadata. */
const BTRFS_INLINE = 2048;

/** A tree's content. */
export interface TreeContent {
  /** Bytes on disk of a copy, each inode once. */
  readonly bytes: number;
  /** Bytes of it that are no objects: directories, and content that is so small that it stands in the tree itself. */
  readonly other: number;
  /** Objects that it uses, each once, by numbers that {@link Contents} gives. */
  readonly objects: ReadonlySet<number>;
}

/** The contents of a store, each looked at once. */
export class Contents implements Disposable {
  readonly #objects: Fd;
  readonly #stat = new Stat();
  readonly #numbers = new Map<string, number>();
  readonly #bytes: number[] = [];
  readonly #block: number;
  readonly #directory: number;
  /** Content up to this size takes no block. */
  readonly #inline: number;

  /** @param objects The store's directory of objects. */
  constructor(objects: string) {
    this.#objects = Fd.open(objects, O_RDONLY | O_DIRECTORY);
    const { blockSize, type } = fstatfs(this.#objects.n);
    this.#block = blockSize;
    this.#inline = type === BTRFS_SUPER_MAGIC ? BTRFS_INLINE : 0;
    // XFS and btrfs keep small directories with the inode.
    this.#directory = type === EXT4_SUPER_MAGIC ? blockSize : 0;
  }

  /**
   * Looks at a layer's index or a merged tree.
   *
   * @throws {LaminaError} `invalid` for what is none.
   */
  tree(image: Uint8Array): TreeContent {
    const view = new ErofsView(image);
    const objects = new Set<number>();
    const seen = new Set<number>();
    const pending = [view.rootNid];
    let bytes = 0;
    let other = 0;
    for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
      other += this.#directory;
      view.entries(at, (nid, type) => {
        if (type === S_IFDIR) return void pending.push(nid);
        if (type !== S_IFREG) return;
        if (view.nlink(nid) > 1) {
          if (seen.has(nid)) return;
          seen.add(nid);
        }
        const path = view.object(nid);
        if (path === null) {
          const size = view.size(nid);
          other += size <= this.#inline ? size : Math.ceil(size / this.#block) * this.#block;
          return;
        }
        const number = this.#number(byteString(path, 0, path.indexOf(0)));
        objects.add(number);
        bytes += this.#bytes[number];
      });
    }
    return { bytes: bytes + other, other, objects };
  }

  /** Bytes of some objects. */
  bytesOf(objects: Iterable<number>): number {
    let bytes = 0;
    for (const number of objects) bytes += this.#bytes[number];
    return bytes;
  }

  #number(payload: string): number {
    const known = this.#numbers.get(payload);
    if (known !== undefined) return known;
    const number = this.#bytes.length;
    this.#numbers.set(payload, number);
    const there = statx(this.#objects.n, payload, AT_SYMLINK_NOFOLLOW, this.#stat) === 0;
    this.#bytes.push(there ? this.#bytesOf(this.#stat) : 0);
    return number;
  }

  #bytesOf(stat: Stat): number {
    return stat.size <= this.#inline ? stat.size : allocated(stat);
  }

  [Symbol.dispose](): void {
    this.#objects[Symbol.dispose]();
  }
}
