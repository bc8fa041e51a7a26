/**
 * Layers into the store by threads that stay, image after image: starting them takes longer than what a small image takes.
 *
 * @module
 */

import { type BlobSource, LayerPipeline } from "../../layer/mod.ts";
import { recordOf } from "../../oci/pull.ts";
import type { Store } from "../../store/mod.ts";
import type { Limits } from "../../limits.ts";

/** Brings layers into one store. Dispose of it to end its threads. */
export class LayerBringer implements AsyncDisposable {
  readonly #store: Store;
  readonly #pipeline: LayerPipeline;

  /** Its threads start with the first layer. */
  constructor(store: Store, limits: Partial<Limits>) {
    this.#store = store;
    this.#pipeline = new LayerPipeline({ native: store.native, limits });
  }

  /** Brings those of some layers that the store lacks; a pull finds them there. */
  async bring(layers: readonly BlobSource[]): Promise<void> {
    const { layers: there, layout } = this.#store;
    const sources = new Map(layers.map((layer) => [layer.diffId, layer]));
    using stagings = new DisposableStack();
    const missing = [...sources.values()].filter(({ diffId }) => !there.has(diffId));
    const staged = await Promise.allSettled(missing.map(async (source) => {
      const staging = stagings.use(this.#store.staging());
      const target = { staging: staging.path, objects: layout.objects };
      return { record: recordOf(await this.#pipeline.ingest(source, target)), staging };
    }));
    for (const one of staged) {
      if (one.status === "rejected") throw one.reason;
      there.enter(one.value.record, one.value.staging);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pipeline[Symbol.asyncDispose]();
  }
}
