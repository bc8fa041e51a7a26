/**
 * Fetches what an image in the store is made of again, from where it was pulled: for repairs.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { LayerPipeline } from "../layer/mod.ts";
import type { Provenance, Supplier } from "../store/fsck/repair/supplier.ts";
import type { LayerRecord } from "../store/mod.ts";
import type { ImageSource, ResolvedImage } from "./image.ts";
import { parsePlatform } from "./platform.ts";
import { recordOf } from "./pull.ts";
import { parseReference } from "./reference.ts";
import { openSource } from "./source.ts";

/** Sources of images, each opened once. Dispose of it when done. */
export class Refetcher implements Supplier, AsyncDisposable {
  readonly #pipeline: LayerPipeline;
  readonly #opened = new Map<string, { source: ImageSource; image: ResolvedImage }>();

  /** @param native `Store.native`. */
  constructor(native: boolean) {
    this.#pipeline = new LayerPipeline({ native, keepThreads: true });
  }

  /** See {@link Supplier.layer}. */
  async layer(
    provenance: Provenance,
    diffId: string,
    target: { readonly staging: string; readonly objects: string },
  ): Promise<LayerRecord> {
    const image = await this.#resolve(provenance);
    const layer = image.layers.find((layer) => layer.diffId === diffId);
    // Another image may be there by now, which may have the layer all the same.
    if (layer === undefined) throw gone(provenance);
    return recordOf(await this.#pipeline.ingest(layer, target));
  }

  /** See {@link Supplier.documents}. */
  async documents(provenance: Provenance): Promise<ResolvedImage> {
    const image = await this.#resolve(provenance);
    if (image.digest !== provenance.digest) throw gone(provenance);
    return image;
  }

  async #resolve({ source: reference, platform }: Provenance): Promise<ResolvedImage> {
    if (reference === "") {
      throw new LaminaError("not-found", "nothing says where the image came from");
    }
    const key = `${reference} ${platform}`;
    let opened = this.#opened.get(key);
    if (opened === undefined) {
      const source = await openSource(parseReference(reference));
      try {
        const image = await source.resolve(platform === "" ? undefined : parsePlatform(platform));
        this.#opened.set(key, opened = { source, image });
      } catch (error) {
        source[Symbol.dispose]();
        throw error;
      }
    }
    return opened.image;
  }

  /** Ends the threads and closes the sources. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
    for (const { source } of this.#opened.values()) source[Symbol.dispose]();
  }
}

function gone({ digest, source }: Provenance): LaminaError {
  return new LaminaError("not-found", `${source} is another image by now than ${digest}`);
}
