/**
 * Threads that bring layers in, for all tests of a file: starting them takes longer than what a small image takes.
 *
 * @module
 */

import { LayerPipeline } from "../../src/layer/mod.ts";
import { pull, type PullOptions, type PullResult } from "../../src/oci/pull.ts";
import type { Store } from "../../src/store/mod.ts";

const pipelines = new Map<boolean, LayerPipeline>();

/** Those for stores of a kind, see `Store.native`. They end with the process, which has to be a test's: others would wait for them. */
export function sharedThreads(native: boolean): LayerPipeline {
  let pipeline = pipelines.get(native);
  if (pipeline === undefined) {
    pipelines.set(native, pipeline = new LayerPipeline({ native, keepThreads: true }));
  }
  return pipeline;
}

/** Pulls as `pull` does, with the {@link sharedThreads}. */
export function pullShared(
  store: Store,
  reference: string,
  options: PullOptions = {},
): Promise<PullResult> {
  return pull(store, reference, { pipeline: sharedThreads(store.native), ...options });
}
