/**
 * The merged trees of images: made once out of the layers' trees, kept as composefs images.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  countTree,
  encodeOrigins,
  fsVerityDigest,
  type Merged,
  mergeLayers,
  toHex,
  writeErofs,
} from "../tree/mod.ts";
import { readIfThere, replaceFile, writeDurably } from "./atomic.ts";
import { writeFixup } from "./fixup.ts";
import type { ImageDescription, ImageRecord, TreeRecord } from "./images.ts";
import type { Layers } from "./layers.ts";
import type { Layout } from "./layout.ts";
import type { Staging } from "./staging.ts";

/** A tree, loaded. */
export interface LoadedTree extends TreeRecord {
  /** The composefs image. */
  readonly image: Uint8Array<ArrayBuffer>;
  /** The file that holds it. */
  readonly path: string;
}

/** A merged tree, with the composefs image of it. */
export interface BuiltTree extends Merged {
  /** The bytes of the image. */
  readonly image: Uint8Array;
  /** fs-verity SHA-256 digest of the image: 64 hex digits. */
  readonly digest: string;
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
    return aboutImage(
      image,
      () =>
        mergeLayers(
          image.layers.map(({ diffId }) => this.#layers.tree(diffId, indexes?.get(diffId))),
        ),
    );
  }

  /** As {@link merge}, with the image of the tree. Writes nothing. */
  build(image: ImageDescription, indexes?: ReadonlyMap<string, string>): BuiltTree {
    const merged = this.merge(image, indexes);
    const bytes = writeErofs(merged.root, { format: "v1" });
    return { ...merged, image: bytes, digest: toHex(fsVerityDigest(bytes)) };
  }

  /**
   * Merges an image's layers and keeps the tree; the image's own part of it (origins, fixup) goes to its staging directory.
   *
   * @param built What {@link build} made of the same layers, if that was done before.
   */
  make(
    image: ImageDescription,
    staging: Staging,
    built: BuiltTree = this.build(image),
  ): ImageRecord {
    const { root, fixup } = built;
    writeDurably(`${staging.path}/origins`, encodeOrigins(root));
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
    const again = this.#keep(this.build(image));
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
    try {
      return Deno.lstatSync(path).isDirectory ? path : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Keeps a metadata image under its digest. */
  keep(digest: string, image: Uint8Array): void {
    const path = this.#layout.tree(digest);
    if (readIfThere(path)?.length !== image.length) replaceFile(path, image, this.#layout.tmp);
  }

  #keep({ root, image, digest }: BuiltTree): TreeRecord {
    this.keep(digest, image);
    return { digest, ...countTree(root) };
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
