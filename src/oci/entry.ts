/**
 * An image's way into the store, once its layers are there: the merged tree, and the record.
 *
 * @module
 */

import type { BuiltTree, ImageDescription, Staging, Store } from "../store/mod.ts";
import type { ResolvedImage } from "./image.ts";
import { formatPlatform } from "./platform.ts";
import { checkSealedTree, type SealedDigests } from "./sealed.ts";

/** An image that is to enter. */
export class ImageEntry implements Disposable {
  readonly #store: Store;
  readonly #image: ResolvedImage;
  readonly #description: ImageDescription;
  /** What was made ahead, and where. */
  #ahead: { readonly staging: Staging; readonly built: BuiltTree } | undefined;

  /** @param source What the record says of where the image is from. */
  constructor(store: Store, image: ResolvedImage, source: string) {
    this.#store = store;
    this.#image = image;
    this.#description = {
      digest: image.digest,
      source,
      platform: image.platform === undefined ? "" : formatPlatform(image.platform),
      pulled: "",
      layers: image.layers.map(({ diffId, digest, length: size, mediaType }) => ({
        diffId,
        digest,
        size,
        mediaType,
      })),
    };
  }

  /**
   * Makes the merged tree while threads still make objects of the last layers. Does nothing where a layer is neither in the store
   * nor among those. What is wrong with the tree is said when the image enters.
   *
   * @param indexes The verified layers' indexes by DiffID, where they are now.
   */
  buildAhead(indexes: ReadonlyMap<string, string>): void {
    const { layers } = this.#store;
    const known = (diffId: string) => indexes.has(diffId) || layers.has(diffId);
    if (!this.#description.layers.every(({ diffId }) => known(diffId))) return;
    const staging = this.#store.staging();
    try {
      this.#ahead?.staging[Symbol.dispose]();
      this.#ahead = undefined;
      const built = this.#store.trees.build(this.#description, staging, indexes);
      this.#ahead = { staging, built };
    } catch {
      staging[Symbol.dispose]();
    }
  }

  /**
   * Makes the merged tree, checks it where the manifest says its digest, and lets the image enter.
   *
   * @param subject Head of the error's message.
   * @throws {LaminaError} The layers make no tree, or not the one that was sealed.
   */
  enter(sealed: SealedDigests, subject: string): void {
    const { trees, images } = this.#store;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    using staging = ahead?.staging ?? this.#store.staging();
    checkSealedTree(() => trees.merge(this.#description).root, sealed.merged, subject);
    const description = { ...this.#description, pulled: new Date().toISOString() };
    const record = trees.make(description, staging, ahead?.built);
    images.enter(record, this.#image.manifest, this.#image.config, staging);
  }

  /** Removes what was made ahead and did not enter. */
  [Symbol.dispose](): void {
    this.#ahead?.staging[Symbol.dispose]();
    this.#ahead = undefined;
  }
}
