/**
 * Collecting: what nobody needs leaves the store, and the disk gets its space back.
 *
 * Alone in the store, and for moments only, the collector renames what is to go into tmp/, each thing at once, images before their layers.
 * From then on it is not in the store, whatever happens. Its files are removed while pulls and compositions go on. Then, alone again and in slices,
 * the objects that only removed layers had are unlinked. Whoever is killed on the way leaves things in tmp/, which the next one to clear
 * it finishes in the same way ({@link clearLeftovers}).
 *
 * @module
 */

import { dirname } from "@std/path";
import { AT_FDCWD, removeTree } from "../../linux/mod.ts";
import { listDirectory, removeIfThere, renameNew, syncDirectory } from "../atomic.ts";
import { isExpired } from "../leases.ts";
import type { Store } from "../store.ts";
import { countObjects } from "./counted.ts";
import { Freed } from "./freed.ts";
import {
  clearLeftovers,
  contentsOfGone,
  emptyLayer,
  forgetSweep,
  isSweepNoted,
} from "./leftovers.ts";
import { imageUses } from "./needs.ts";
import { ObjectSweeper } from "./objects.ts";
import { type Plan, plan, type Policy } from "./plan.ts";
import { storedBytes } from "./stored.ts";

/** How to collect. */
export interface CollectOptions {
  /** Remove nothing, and say what would be removed. */
  readonly dryRun?: boolean;
  /** Images with names go too, if nothing else keeps them. */
  readonly all?: boolean;
  /** The store is to take no more than this many bytes: images with names go too, least recently used first, until it does. */
  readonly keepStorage?: number;
  /** Only images that were not used for so many milliseconds. */
  readonly olderThan?: number;
  /** Stops it. What has left the store by then is removed by the next one. */
  readonly signal?: AbortSignal;
  /** Told what it waits for or does. */
  readonly onProgress?: (event: CollectEvent) => void;
}

/** How far a collection is. */
export type CollectEvent =
  /** It waits for pulls and compositions that are under way. */
  | { readonly type: "waiting" }
  /** Of `total` layers that go, `done` are gone. */
  | { readonly type: "removing"; readonly done: number; readonly total: number };

/** An image that went. */
export interface CollectedImage {
  /** Digest of its manifest. */
  readonly digest: string;
  /** The names that it had. */
  readonly names: readonly string[];
  /** When it was last pulled or composed, RFC 3339. */
  readonly lastUsed: string;
  /** Bytes of its records and of what was made of it alone, without its layers. */
  readonly bytes: number;
}

/** A layer that went. */
export interface CollectedLayer {
  /** Digest of the uncompressed archive. */
  readonly diffId: string;
  /** Images that went and had it. */
  readonly images: readonly string[];
  /** Bytes of its own files that nobody else needs. */
  readonly bytes: number;
  /** Bytes of content that it shared and was the last to need. */
  readonly sharedBytes: number;
}

/** What a collection freed, or would. Bytes are those on disk. */
export interface Collected {
  /** Whether nothing was removed. */
  readonly dryRun: boolean;
  /** The images, in the order in which they went: least recently used first. */
  readonly images: readonly CollectedImage[];
  /** The layers. */
  readonly layers: readonly CollectedLayer[];
  /** Contents that no layer needs any more; their bytes are in those of layers. */
  readonly objects: number;
  /** Merged trees, with what strategies kept of them. */
  readonly trees: { readonly count: number; readonly bytes: number };
  /** Ids of leases that had expired. */
  readonly leases: readonly string[];
  /** What killed processes had left in tmp/. */
  readonly leftovers: { readonly count: number; readonly bytes: number };
  /** All bytes. */
  readonly bytes: number;
}

/** Longest time for which others are kept out at once while objects are unlinked, in milliseconds. */
const SLICE = 20;

/**
 * Removes images that nothing keeps, by the policy of `options`; then layers that no image needs, trees, what is kept of trees, contents,
 * expired leases, and what killed processes left.
 *
 * @throws {LaminaError} `invalid` where it cannot be known what is needed; then nothing is removed.
 * @throws The signal's reason.
 */
export async function collect(store: Store, options: CollectOptions = {}): Promise<Collected> {
  const { signal } = options;
  const policy = policyOf(store, options);
  using _removing = await store.removing(signal);
  if (options.dryRun) {
    using _shared = store.sharedAsItIs();
    const doomed = prepare(store, policy, options);
    return measure(store, doomed, placesOf(store, doomed.plan), true);
  }
  options.onProgress?.({ type: "waiting" });
  let doomed: Doomed;
  let gone: Places;
  {
    using _alone = await store.alone(signal);
    doomed = prepare(store, policy, options);
    clearLeftovers(store.layout);
    countObjects(store);
    gone = takeOut(store, doomed);
  }
  const collected = measure(store, doomed, gone, false);
  await remove(store, gone, options);
  return collected;
}
