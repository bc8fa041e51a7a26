/**
 * The tree of an image as several composefs images, one above the other, so that images which are built on the same layers share the lower
 * ones.
 *
 * The lowest image is an ordinary one; the others are plain EROFS with whiteouts. Like all trees they are kept by their digest; which
 * layers an image stands for is written beside them, in a record of one line named by the chain of layers up to it (ChainID, OCI image
 * specification, config.md) and by where in that chain it begins. A record is of use as long as a stored image begins with its layers.
 *
 * @module
 */

import { createHash } from "node:crypto";
import {
  fsVerityDigest,
  type Inode,
  type Part,
  splitTree,
  toHex,
  writeErofs,
  writeRawErofs,
} from "../tree/mod.ts";
import { readIfThere, replaceFile } from "./atomic.ts";
import type { ImageLayer, ImageRecord, Images } from "./images.ts";
import type { Layers } from "./layers.ts";
import type { Layout } from "./layout.ts";
import { aboutImage, type Trees } from "./trees.ts";

/** Which metadata images an image's tree is composed of. */
export type TreeLayout = "squashed" | "layered" | "hybrid";

/** One metadata image of a stack. */
export interface TreeImage {
  /** The file of its EROFS image. */
  readonly path: string;
  /** fs-verity SHA-256 digest: 64 hex digits. */
  readonly digest: string;
}

/**
 * How many stored images must share a chain of layers for it to be an image of its own in the hybrid layout. Measured (bench/README.md):
 * from two on it takes fewer bytes than squashed images, from about three on less work as well.
 */
export const SHARED_BY = 3;

/** The metadata images of a store's images. */
export class Chains {
  readonly #layout: Layout;
  readonly #layers: Layers;
  readonly #images: Images;
  readonly #trees: Trees;

  /** The chains of a store. */
  constructor(layout: Layout, layers: Layers, images: Images, trees: Trees) {
    this.#layout = layout;
    this.#layers = layers;
    this.#images = images;
    this.#trees = trees;
  }

  /**
   * The metadata images that show an image's tree as lower directories of one overlay, lowest first; those that the store has not are
   * made. Hold the store's lock.
   *
   * @param layout `squashed`: one. `layered`: one for each layer. `hybrid`: one for the longest chain of layers that enough stored images
   * begin with, and one for all above it.
   * @param options `sharedBy`: how many images are enough. `most`: the most images that a stack may have; of the layered layout the lowest
   * layers are one image where there are more.
   */
  stack(
    image: ImageRecord,
    layout: TreeLayout,
    options: { readonly sharedBy?: number; readonly most?: number } = {},
  ): TreeImage[] {
    const { sharedBy = SHARED_BY, most = Infinity } = options;
    const count = image.layers.length;
    if (layout === "layered") return this.#stackOf(image, everyLayer(count, most));
    const shared = layout === "hybrid" ? this.#sharedLayers(image, sharedBy) : 0;
    return this.#stackOf(image, shared === 0 || shared === count ? [count] : [shared, count]);
  }

  /** How many of an image's lowest layers at least so many stored images begin with. */
  #sharedLayers(image: ImageRecord, sharedBy: number): number {
    let sharers = this.#images.list();
    for (let depth = 0; depth < image.layers.length; depth++) {
      sharers = sharers.filter(({ layers }) =>
        layers[depth]?.diffId === image.layers[depth].diffId
      );
      if (sharers.length < sharedBy) return depth;
    }
    return image.layers.length;
  }

  /** The images that end below these layers, the last one at the top. */
  #stackOf(image: ImageRecord, ends: readonly number[]): TreeImage[] {
    if (ends.length === 1) {
      if (!isThere(this.#layout.tree(image.tree.digest))) this.#trees.load(image);
      return [this.#image(image.tree.digest)];
    }
    const chain = chainIds(image);
    const parts = ends.map((to, index) => {
      const from = index === 0 ? 0 : ends[index - 1];
      return { from, to, record: this.#layout.chain(chain[to - 1], from) };
    });
    const digests = parts.map(({ record }) => this.#recorded(record));
    const missing = parts.filter((_, index) => digests[index] === undefined);
    const made = missing.length > 0 ? this.#make(image, missing) : [];
    return digests.map((digest) => this.#image(digest ?? made.shift()!));
  }

  #image(digest: string): TreeImage {
    return { path: this.#layout.tree(digest), digest };
  }

  /** The digest of a recorded image that is there. */
  #recorded(record: string): string | undefined {
    const digest = new TextDecoder().decode(readIfThere(record)).trim();
    const known = /^[0-9a-f]{64}$/.test(digest) && isThere(this.#layout.tree(digest));
    return known ? digest : undefined;
  }

  #make(image: ImageRecord, parts: readonly (Part & { readonly record: string })[]): string[] {
    Deno.mkdirSync(this.#layout.chains, { recursive: true });
    return aboutImage(image, () => {
      const made: string[] = [];
      for (const tree of splitTree(this.#layerTrees(image), parts)) {
        const { from, record } = parts[made.length];
        const bytes = imageOf(tree, from);
        const digest = toHex(fsVerityDigest(bytes));
        this.#trees.keep(digest, bytes);
        // Last: a record never names an image that is not there.
        replaceFile(record, `${digest}\n`, this.#layout.tmp);
        made.push(digest);
      }
      return made;
    });
  }

  /**
   * The digests of the metadata images for parts of an image, as its layers make them now.
   *
   * @param parts In ascending order, none overlapping another.
   * @throws {LaminaError} Where a layer cannot be read.
   */
  rebuild(image: ImageRecord, parts: readonly Part[]): string[] {
    return aboutImage(
      image,
      () =>
        // One after the other: a tree changes while the next is made.
        Array.from(
          splitTree(this.#layerTrees(image), parts),
          (tree, index) => toHex(fsVerityDigest(imageOf(tree, parts[index].from))),
        ),
    );
  }

  *#layerTrees(image: ImageRecord): Generator<Inode> {
    for (const { diffId } of image.layers) yield this.#layers.tree(diffId);
  }
}

/** The metadata image of a part that begins at a layer: an ordinary one at the lowest. */
function imageOf(tree: Inode, from: number): Uint8Array {
  return from === 0 ? writeErofs(tree, { format: "v1" }) : writeRawErofs(tree);
}

/** Where the images of the layered layout end. */
function everyLayer(count: number, most: number): number[] {
  if (count === 0) return [0];
  const images = Math.min(count, most);
  return Array.from({ length: images }, (_, index) => count - images + 1 + index);
}

/** The ChainIDs of an image: by index of a layer, that of all layers up to it. */
export function chainIds(image: {
  readonly layers: readonly Pick<ImageLayer, "diffId">[];
}): string[] {
  const chain: string[] = [];
  for (const { diffId } of image.layers) {
    const below = chain.at(-1);
    const hash = () => createHash("sha256").update(`${below} ${diffId}`).digest("hex");
    chain.push(below === undefined ? diffId : `sha256:${hash()}`);
  }
  return chain;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
