/**
 * Makes the merged tree of an image out of its layers' indexes, as a file.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  check,
  Fd,
  MappedFile,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_WRONLY,
  writeAll,
} from "../linux/mod.ts";
import { countNumbered } from "../tree/count.ts";
import { Numbering } from "../tree/erofs_numbering.ts";
import { streamErofs } from "../tree/erofs_writer.ts";
import { MergedImages, NeedsTrees } from "../tree/merge_images.ts";
import { FsVerityHasher, type Inode, type Merged, toHex } from "../tree/mod.ts";
import { OriginColumn } from "../tree/origins.ts";
import { InodeTree, type TreeSource } from "../tree/source.ts";
import type { TreeRecord } from "./images.ts";

/** So many inodes are read before what was read of the indexes may leave the memory. */
const FORGET = 1 << 15;

/** A merged tree, as a file that is not durable yet. */
export interface BuiltTree {
  /** The composefs image. */
  readonly file: string;
  /** What the image's record says of it. */
  readonly record: TreeRecord;
  /** See {@link encodeOrigins}. */
  readonly origins: Uint8Array;
  /** See {@link Merged.fixup}. */
  readonly fixup: Inode | undefined;
}

/** A tree in the order of its image, and what is kept beside that. */
interface Ordered {
  readonly tree: Numbering;
  readonly origins: OriginColumn;
  readonly fixup: Inode | undefined;
}

/**
 * Makes a tree.
 *
 * @param file Where its image goes: nothing may be there.
 * @param indexes The layers' indexes, lowest first.
 * @param merge Merges the layers' trees in memory. It is asked where their images alone do not tell, and where one cannot be read: to say why.
 * @throws {LaminaError} Where the layers make no tree.
 */
export function buildTree(
  file: string,
  indexes: readonly string[],
  merge: () => Merged,
): BuiltTree {
  const { tree, origins, fixup } = mergeIndexes(indexes) ?? orderMerged(merge());
  const verity = new FsVerityHasher();
  using out = Fd.open(file, O_WRONLY | O_CREAT | O_EXCL, 0o644);
  streamErofs(tree, (piece) => {
    verity.update(piece);
    check(writeAll(out.n, piece), "write", file);
  });
  const record = { digest: toHex(verity.digest()), ...countNumbered(tree) };
  return { file, record, origins: origins.encode(tree), fixup };
}

/** Merges layers without their trees in memory; undefined where that does not do. */
function mergeIndexes(indexes: readonly string[]): Ordered | undefined {
  using files = new DisposableStack();
  try {
    const mapped = indexes.map((path) => files.use(mapFile(path)));
    const images = new MergedImages(mapped.map(({ bytes }) => bytes));
    const forget = () => mapped.forEach((file) => file.forget());
    const ordered = order(images, forget);
    return { ...ordered, fixup: images.fixup };
  } catch (error) {
    if (error instanceof NeedsTrees || error instanceof LaminaError) return undefined;
    throw error;
  }
}

function orderMerged({ root, fixup }: Merged): Ordered {
  return { ...order(new InodeTree(root, true)), fixup };
}

/** @param pause Called now and then. */
function order(source: TreeSource, pause = () => {}): Omit<Ordered, "fixup"> {
  const origins = new OriginColumn(source.inodes);
  const tree = new Numbering(source, false, (inode, place) => {
    origins.set(place, inode);
    if (place % FORGET === FORGET - 1) pause();
  });
  return { tree, origins };
}

function mapFile(path: string): MappedFile {
  using file = Fd.open(path, O_RDONLY);
  return new MappedFile(file.n, Deno.statSync(path).size);
}
