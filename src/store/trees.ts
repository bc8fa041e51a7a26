/**
 * The merged trees of images: made once out of the layers' trees, kept as composefs images.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, check, ENOENT, Stat, statx } from "../linux/mod.ts";
import { type Inode, type Merged, mergeLayers, S_IFDIR, S_IFMT } from "../tree/mod.ts";
import { moveDurably, readIfThere, removeIfThere, replaceFile, writeDurably } from "./atomic.ts";
import { buildTree, type BuiltTree } from "./build_tree.ts";
import { writeFixup } from "./fixup.ts";
import type { ImageDescription, ImageRecord, TreeRecord } from "./images.ts";
import type { Layers } from "./layers.ts";
import type { Layout } from "./layout.ts";
import { Staging } from "./staging.ts";

/** A tree, loaded. */
export interface LoadedTree extends TreeRecord {
  /** The composefs image. */
  readonly image: Uint8Array<ArrayBuffer>;
  /** The file that holds it. */
  readonly path: string;
}

/** The merged trees of a store. */
export class Trees {
  readonly #layout: Layout;
  readonly #layers: Layers;
  readonly #native: boolean;

  /** The trees of a store. */
  constructor(layout: Layout, layers: Layers, native: boolean) {
    this.#layout = layout;
    this.#layers = layers;
    this.#native = native;
  }

  /**
   * Merges the trees of an image's layers.
   *
   * @param indexes The files of those that have not entered the store yet, by DiffID.
   */
  merge(image: ImageDescription, indexes?: ReadonlyMap<string, string>): Merged {
    return aboutImage(image, () => mergeLayers(this.#trees(image, indexes)));
  }

  /**
   * As {@link merge}, with the image of the tree as a file in a staging directory. The store is as it was.
   *
   * @throws {LaminaError}
   */
  build(
    image: ImageDescription,
    staging: Staging,
    indexes?: ReadonlyMap<string, string>,
  ): BuiltTree {
    const files = image.layers.map(({ diffId }) =>
      indexes?.get(diffId) ?? this.#layers.index(diffId)
    );
    const file = `${staging.path}/tree.erofs`;
    return aboutImage(
      image,
      () => buildTree(file, files, () => mergeLayers(this.#trees(image, indexes))),
    );
  }

  /**
   * Merges an image's layers and keeps the tree; the image's own part of it (origins, fixup) goes to its staging directory.
   *
   * @param built What {@link build} made of the same layers in the same staging directory, if that was done before.
   */
  make(
    image: ImageDescription,
    staging: Staging,
    built: BuiltTree = this.build(image, staging),
  ): ImageRecord {
    const { origins, fixup } = built;
    writeDurably(`${staging.path}/origins`, origins);
    if (fixup !== undefined) {
      const directories = image.layers.map(({ diffId }) => this.#layers.directory(diffId));
      writeFixup(fixup, `${staging.path}/fixup`, directories, this.#native);
    }
    return { ...image, tree: this.#keep(built) };
  }

  /** Loads an image's tree; makes it again should it be missing. */
  load(image: ImageRecord): LoadedTree {
    const path = this.#layout.tree(image.tree.digest);
    const bytes = readIfThere(path);
    if (bytes !== undefined) {
      return { ...image.tree, image: bytes as Uint8Array<ArrayBuffer>, path };
    }
    using staging = new Staging(this.#layout.tmp);
    const again = this.#keep(this.build(image, staging));
    if (again.digest !== image.tree.digest) {
      throw new LaminaError(
        "invalid",
        `loading the tree of image ${image.digest}: ${path} was missing, and the layers make another tree (${again.digest})`,
        {
          hint:
            "The layers' indexes were changed on disk: remove the image and its layers and pull it again.",
        },
      );
    }
    return { ...image.tree, image: Deno.readFileSync(path), path };
  }

  /** The file that says where each inode of an image's tree comes from. */
  origins(image: ImageRecord): string {
    return `${this.#layout.image(image.digest)}/origins`;
  }

  /** The layer to put above an image's own for a plain overlay stack, if it needs one. */
  fixup(image: ImageRecord): string | undefined {
    const path = `${this.#layout.image(image.digest)}/fixup`;
    const stat = new Stat();
    const result = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat);
    if (result === -ENOENT) return undefined;
    check(result, "statx", path);
    return (stat.mode & S_IFMT) === S_IFDIR ? path : undefined;
  }

  /** Keeps a metadata image under its digest. */
  keep(digest: string, image: Uint8Array): void {
    const path = this.#layout.tree(digest);
    if (sizeIfThere(path) !== image.length) replaceFile(path, image, this.#layout.tmp);
  }

  #keep({ file, record }: BuiltTree): TreeRecord {
    const path = this.#layout.tree(record.digest);
    if (sizeIfThere(path) === sizeIfThere(file)) removeIfThere(file);
    else moveDurably(file, path);
    return record;
  }

  #trees(image: ImageDescription, indexes?: ReadonlyMap<string, string>): Inode[] {
    return image.layers.map(({ diffId }) => this.#layers.tree(diffId, indexes?.get(diffId)));
  }
}

function sizeIfThere(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Merges layers of an image; an error says of which, and which layers these are. */
export function aboutImage<T>(image: ImageDescription, merge: () => T): T {
  try {
    return merge();
  } catch (error) {
    if (!(error instanceof LaminaError)) throw error;
    const layers = image.layers.map(({ diffId }, index) => `${index + 1}: ${diffId}`).join(", ");
    throw new LaminaError(
      error.kind,
      `image ${image.digest}: ${error.message} (layers ${layers})`,
      error,
    );
  }
}
