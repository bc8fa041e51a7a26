/**
 * Layers merged directory by directory, out of their images: so that a large image's tree, and those of its layers, need not be in memory.
 *
 * This makes of nearly all images what `merge.ts` makes of all. It leaves to that what is not settled by looking at the directories of one
 * path: hard links into lower layers, entries that go where a lower layer's symbolic link leads, whiteouts with nothing below them.
 *
 * @module
 */

import { emptyCopy } from "./difference.ts";
import { EntryCursor, NAME_BUFFER } from "./erofs_entries.ts";
import { ErofsImage } from "./erofs_image.ts";
import { InodeReader } from "./erofs_inode_reader.ts";
import { holdsMarkedWhiteouts, isMarkedWhiteout, restoreDirectory } from "./erofs_whiteouts.ts";
import { type ByteString, Inode, type Origin, S_IFLNK, S_IFMT } from "./inode.ts";
import { byteStrings } from "./latin1.ts";
import { HARDLINK } from "./marks.ts";
import { copyMetadata, isImplied, isOpaque, sameMetadata } from "./merge.ts";
import type { TreeSource } from "./source.ts";

/** Merging needs the trees as a whole: `mergeLayers()`. */
export class NeedsTrees extends Error {}

/** Entries of directories are asked for, not kept. */
const NO_ENTRIES = new Map<ByteString, Inode>();

/** A directory in one layer. */
interface Part {
  readonly layer: LayerImage;
  readonly nid: number;
  /** Whether there are whiteouts in it. */
  readonly whiteouts: boolean;
}

/** A directory of the merged tree whose entries have not been asked for. */
interface Pending {
  readonly inode: Inode;
  readonly name: ByteString;
  readonly above: Pending | undefined;
  /** Its parts, the lowest layer's first, without those that are hidden. */
  parts: Part[];
  /** The uppermost part as its layer has it; undefined once all layers have said what they have. */
  uppermost: Inode | undefined;
  /** What stands for it in the fixup. */
  fix: Inode | undefined;
}

/**
 * The merged tree of layers' images, lowest first. Making it, and asking it for entries, throws {@link NeedsTrees} where `mergeLayers()` is
 * needed, and a LaminaError (invalid) for images that are malformed.
 */
export class MergedImages implements TreeSource {
  readonly root: Inode = new Inode(0o040755);
  readonly inodes: number;
  readonly counts = true;
  readonly #top: Pending = pendingOf(this.root, "", undefined);
  readonly #pending = new Map<Inode, Pending>();

  /**
   * Reads the layers' roots.
   *
   * @param images They are read as long as entries are asked for.
   */
  constructor(images: readonly Uint8Array[]) {
    const layers = images.map((bytes, index) => new LayerImage(bytes, index));
    this.inodes = layers.reduce((sum, { image }) => sum + image.inodes, 1);
    for (const layer of layers) {
      const nid = layer.image.rootNid;
      const inode = layer.inode(nid);
      const part = layer.part(nid, inode);
      if (isOpaque(inode)) throw new NeedsTrees();
      lay(part, inode, this.#top);
    }
    this.#settle(this.#top);
  }

  /**
   * What has to lie on top of the layers' directories, as `mergeLayers()` has it; complete once all entries have been asked for. Here it is
   * nothing but directories that an uppermost layer only implies, with the metadata that they have below.
   */
  get fixup(): Inode | undefined {
    return this.#top.fix;
  }

  entries(directory: Inode): Map<ByteString, Inode> {
    const pending = this.#pending.get(directory)!;
    this.#pending.delete(directory);
    const entries = new Map<ByteString, Inode>();
    const directories = new Map<ByteString, Pending>();
    pending.parts.forEach((part, height) => this.#lay(part, height, pending, entries, directories));
    for (const below of directories.values()) this.#settle(below);
    return entries;
  }

  /** Puts a layer's entries of a directory on top of those of the layers below. */
  #lay(
    { layer, nid, whiteouts }: Part,
    height: number,
    above: Pending,
    entries: Map<ByteString, Inode>,
    directories: Map<ByteString, Pending>,
  ): void {
    const isRoot = above === this.#top;
    layer.entries(nid, (nid, name) => {
      if (isRoot && layer.image.isStub(nid, name)) return;
      const inode = layer.inode(nid);
      if (inode.children === null) {
        directories.delete(name);
        if (whiteouts && isMarkedWhiteout(inode)) {
          // With nothing below, overlayfs would list it.
          if (height === 0 && !isRoot) throw new NeedsTrees();
          entries.delete(name);
          return;
        }
        if (inode.xattrs?.has(HARDLINK)) throw new NeedsTrees();
        inode.origin = layer.origin;
        entries.set(name, inode);
        return;
      }
      let directory = directories.get(name);
      const part = layer.part(nid, inode);
      if (directory === undefined) {
        const there = entries.get(name);
        const isLink = there !== undefined && (there.mode & S_IFMT) === S_IFLNK;
        if (isLink && isImplied(inode)) throw new NeedsTrees();
        const made = new Inode(inode.mode);
        made.children = NO_ENTRIES;
        copyMetadata(inode, made);
        directory = pendingOf(made, name, above);
        directories.set(name, directory);
        entries.set(name, made);
      } else if (isOpaque(inode)) directory.parts = [];
      lay(part, inode, directory);
    });
  }

  /** All layers have said what a directory is: notes it for the fixup where a plain stack of them shows another. */
  #settle(directory: Pending): void {
    const { inode, uppermost } = directory;
    if (uppermost !== undefined && !sameMetadata(uppermost, inode)) fixOf(directory);
    directory.uppermost = undefined;
    this.#pending.set(inode, directory);
  }
}

function pendingOf(inode: Inode, name: ByteString, above: Pending | undefined): Pending {
  return { inode, name, above, parts: [], uppermost: undefined, fix: undefined };
}

/** Puts a layer's directory on top of what a directory is so far. */
function lay(part: Part, inode: Inode, directory: Pending): void {
  directory.parts.push(part);
  directory.uppermost = inode;
  if (!isImplied(inode)) copyMetadata(inode, directory.inode);
}

/** What stands for a directory in the fixup, which is made with the directories that it is in. */
function fixOf(directory: Pending): Inode {
  if (directory.fix === undefined) {
    directory.fix = emptyCopy(directory.inode);
    if (directory.above !== undefined) {
      fixOf(directory.above).children!.set(directory.name, directory.fix);
    }
  }
  return directory.fix;
}

/** The image of one layer. */
class LayerImage {
  readonly image: ErofsImage;
  readonly origin: Origin;
  readonly #read: InodeReader;
  readonly #text: (start: number, end: number) => ByteString;
  readonly #scratch = new Uint8Array(NAME_BUFFER);
  /** Inodes that can have several names, by nid. */
  readonly #linked = new Map<number, Inode>();

  constructor(bytes: Uint8Array, index: number) {
    this.image = new ErofsImage(bytes);
    this.#read = new InodeReader(this.image);
    this.#text = byteStrings(this.image.bytes);
    this.origin = { layer: index, path: null };
  }

  /** An inode; the same one each time where it has several names. */
  inode(nid: number): Inode {
    const known = this.#linked.get(nid);
    if (known !== undefined) return known;
    const inode = this.#read.inode(nid);
    if (inode.children === null && inode.nlink > 1) this.#linked.set(nid, inode);
    return inode;
  }

  /** A directory of this layer, which loses the marks of whiteouts. */
  part(nid: number, inode: Inode): Part {
    const { version } = this.image;
    const whiteouts = holdsMarkedWhiteouts(inode, version);
    if (whiteouts) restoreDirectory(inode, version);
    return { layer: this, nid, whiteouts };
  }

  /** Hands out a directory's entries, in byte order of their names. */
  entries(nid: number, visit: (nid: number, name: ByteString) => void): void {
    const cursor = new EntryCursor(this.image, nid, this.#scratch);
    this.#read.take(cursor.size);
    while (cursor.next()) {
      const { nid, nameAt } = cursor;
      this.image.layout(nid);
      visit(nid, this.#text(nameAt, nameAt + cursor.length));
    }
  }
}
