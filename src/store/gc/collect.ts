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
  isSweepNoted,
  removeIndexes,
} from "./leftovers.ts";
import { imageUses } from "./needs.ts";
import { type Plan, plan, type Policy } from "./plan.ts";
import { sweepAll, sweepObjects } from "./sweep.ts";
import { Disk } from "../usage/disk.ts";

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
  /** It looks for what can go, and waits for pulls and compositions that are under way. */
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

/**
 * Removes images that nothing keeps, by the policy of `options`; then layers that no image needs, trees, what is kept of trees, contents,
 * expired leases, and what killed processes left.
 *
 * @throws {LaminaError} `invalid` where it cannot be known what is needed; then nothing is removed.
 * @throws The signal's reason.
 */
export async function collect(store: Store, options: CollectOptions = {}): Promise<Collected> {
  const { signal, onProgress, dryRun = false } = options;
  const policy = policyOf(store, options);
  onProgress?.({ type: "waiting" });
  using _removing = await (dryRun ? store.reviewing(signal) : store.removing(signal));
  if (dryRun) {
    using alone = store.tryAlone();
    using _shared = alone ?? store.shared();
    const doomed = findDoomed(store, policy, alone !== undefined);
    return measure(store, doomed, placesOf(store, doomed.plan), true);
  }
  let doomed: Doomed;
  let places: Places;
  {
    // Not asynchronous in here: who is kept out waits in a system call, perhaps a thread of this very process.
    using _alone = await store.alone(signal);
    doomed = findDoomed(store, policy, true);
    clearLeftovers(store.layout);
    countObjects(store);
    places = takeOut(store, doomed);
  }
  const collected = measure(store, doomed, places, false);
  await remove(store, places, options);
  return collected;
}

/** What is to go, and what of it is counted already. */
interface Doomed {
  readonly plan: Plan;
  readonly leases: readonly string[];
  readonly leftovers: Collected["leftovers"];
}

/** Where things are that go: in the store or, once they are out of it, in tmp/. By their digests. */
interface Places {
  readonly images: ReadonlyMap<string, string>;
  readonly trees: readonly string[];
  readonly kept: readonly string[];
  readonly layers: ReadonlyMap<string, string>;
}

function policyOf(store: Store, options: CollectOptions): Policy {
  const { all, keepStorage, olderThan } = options;
  return {
    all,
    keepStorage: keepStorage === undefined
      ? undefined
      : { limit: keepStorage, stored: Disk.bytesOf(store.layout) },
    unusedSince: olderThan === undefined ? undefined : new Date(Date.now() - olderThan),
  };
}

function findDoomed(store: Store, policy: Policy, alone: boolean): Doomed {
  const now = new Date();
  return {
    plan: plan(store, imageUses(store, now, alone), policy),
    leases: store.leases.list().filter((lease) => isExpired(lease, now)).map(({ id }) => id),
    leftovers: alone ? measureLeftovers(store) : { count: 0, bytes: 0 },
  };
}

function measureLeftovers({ layout }: Store): Collected["leftovers"] {
  const names = listDirectory(layout.tmp);
  using freed = new Freed(layout);
  const bytes = names.reduce((sum, name) => sum + freed.add(`${layout.tmp}/${name}`), 0);
  return { count: names.length, bytes };
}

function placesOf({ layout }: Store, plan: Plan): Places {
  return {
    images: new Map(plan.images.map(({ image: { digest } }) => [digest, layout.image(digest)])),
    trees: plan.trees.map((digest) => layout.tree(digest)),
    kept: plan.kept.map((digest) => layout.keptOf(digest)),
    layers: new Map(plan.layers.map((diffId) => [diffId, layout.layer(diffId)])),
  };
}

/**
 * Takes all that is to go out of the store. Durable, and in this order, so that at any time, after any crash, an image in the store has
 * all that it needs.
 */
function takeOut(store: Store, { plan, leases }: Doomed): Places {
  const { layout } = store;
  const places = placesOf(store, plan);
  for (const { names } of plan.images) names.forEach((name) => store.names.remove(name));
  leases.forEach((id) => store.leases.remove(id));
  const images = moveAll(layout.tmp, places.images);
  const chains = plan.chains.map((name) => `${layout.chains}/${name}`);
  chains.forEach(removeIfThere);
  syncHolders(chains);
  const trees = [...moveAll(layout.tmp, byThemselves(places.trees)).values()];
  const kept = [...moveAll(layout.tmp, byThemselves(places.kept)).values()];
  const layers = moveAll(layout.tmp, places.layers);
  // Nobody holds these locks now: who pulls or composes shares the store.
  for (const diffId of layers.keys()) removeIfThere(layout.layerLock(diffId));
  for (const name of plan.locks) removeIfThere(`${layout.locks}/${name}`);
  return { images, trees, kept, layers };
}

function byThemselves(paths: readonly string[]): Map<string, string> {
  return new Map(paths.map((path) => [path, path]));
}

/** Renames things into tmp/, durably. Returns where they are now. */
function moveAll(tmp: string, places: ReadonlyMap<string, string>): Map<string, string> {
  const moved = new Map<string, string>();
  for (const [key, path] of places) {
    const aside = `${tmp}/${crypto.randomUUID()}`;
    renameNew(path, aside);
    moved.set(key, aside);
  }
  syncHolders([...places.values()]);
  return moved;
}

function syncHolders(paths: readonly string[]): void {
  new Set(paths.map((path) => dirname(path))).forEach(syncDirectory);
}

/** Counts what is freed, before it is. */
function measure(
  { layout }: Store,
  { plan, leases, leftovers }: Doomed,
  places: Places,
  dryRun: boolean,
): Collected {
  using freed = new Freed(layout);
  const images = plan.images.map(({ image, names, lastUsed }) => ({
    digest: image.digest,
    names,
    lastUsed: lastUsed.toISOString(),
    bytes: freed.add(places.images.get(image.digest)!),
  }));
  const treeBytes = [...places.trees, ...places.kept].reduce((sum, at) => sum + freed.add(at), 0);
  const had = new Map<string, string[]>();
  for (const { image } of plan.images) {
    for (const diffId of new Set(image.layers.map((layer) => layer.diffId))) {
      had.set(diffId, [...had.get(diffId) ?? [], image.digest]);
    }
  }
  let objects = 0;
  const layers = plan.layers.map((diffId) => {
    const layer = freed.addLayer(places.layers.get(diffId)!);
    objects += layer.objects;
    const { bytes, sharedBytes } = layer;
    return { diffId, images: had.get(diffId) ?? [], bytes, sharedBytes };
  });
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0) + treeBytes + leftovers.bytes +
    layers.reduce((sum, layer) => sum + layer.bytes + layer.sharedBytes, 0);
  return {
    dryRun,
    images,
    layers,
    objects,
    trees: { count: places.trees.length, bytes: treeBytes },
    leases,
    leftovers,
    bytes,
  };
}

/** Removes what is out of the store. Hold {@link Store.removing}. */
async function remove(store: Store, places: Places, options: CollectOptions): Promise<void> {
  const { signal, onProgress } = options;
  const { layout } = store;
  // Images first: they have links to files of layers.
  for (const path of [...places.images.values(), ...places.trees, ...places.kept]) {
    removeTree(AT_FDCWD, path);
  }
  const layers = [...places.layers.values()];
  for (const [done, layer] of layers.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ type: "removing", done, total: layers.length });
    emptyLayer(layer);
    // Lets signals in.
    await Promise.resolve();
  }
  await sweepObjects(store, contentsOfGone(layout, layers), signal);
  removeIndexes(layout, layers);
  if (isSweepNoted(layout)) await sweepAll(store, signal);
}
