/**
 * What a store takes, what it saves, and what of it could go.
 *
 * @module
 */

import { collect } from "../gc/collect.ts";
import { Freed } from "../gc/freed.ts";
import { layerUse } from "../holders.ts";
import type { ImageRecord } from "../images.ts";
import type { Store } from "../store.ts";
import { listDirectory, readIfThere } from "../atomic.ts";
import { Contents, type TreeContent } from "./contents.ts";
import { Disk } from "./disk.ts";

/** What one image takes. All bytes are bytes on disk. */
export interface ImageUsage {
  /** Digest of its manifest. */
  readonly digest: string;
  /** Its names, in order. */
  readonly names: readonly string[];
  /** What a flattened copy would take, each inode once. */
  readonly flattened: number;
  /** What is freed if only this image goes. */
  readonly unique: number;
  /** What it has in the store beside that, which others need too. */
  readonly shared: number;
}

/** What one layer takes. */
export interface LayerUsage {
  /** Digest of its uncompressed archive. */
  readonly diffId: string;
  /** How many images have it. */
  readonly images: number;
  /** What it would take by itself. */
  readonly alone: number;
  /** Bytes of contents that no other layer uses, and of its own directories and small files. */
  readonly unique: number;
}

/**
 * What a store takes. All bytes are bytes on disk. `stored` is `logical` without what is saved, and with `compositions`, `kept`, `metadata`
 * and `records`.
 */
export interface Usage {
  /** The images, the latest pulled first. */
  readonly images: readonly ImageUsage[];
  /** The layers. */
  readonly layers: readonly LayerUsage[];
  /** What flattened copies of all images would take. */
  readonly logical: number;
  /** What the store takes. */
  readonly stored: number;
  /** Of that, what was written to compositions, whose directories are in the store. */
  readonly compositions: number;
  /** Of that, what strategies keep of trees, and other caches: all of it can be made again. */
  readonly kept: number;
  /** Of that, all else that is no content of layers: indexes, merged trees, links, records of images. */
  readonly records: number;
  /** How much less all layers take, each by itself, than flattened copies; negative where images hide much of their layers. */
  readonly savedByLayers: number;
  /** How much less the contents of all layers take than the layers, each by itself. */
  readonly savedByContent: number;
  /** What `lamina gc` would free now, and with `--all`. */
  readonly reclaimable: { readonly now: number; readonly all: number };
  /** How it was counted. */
  readonly method: string;
  /** Of `stored`, what is the filesystem's own records, by `method`. */
  readonly metadata: number;
  /** Files, directories and other inodes. */
  readonly inodes: number;
}

/** How to measure. */
export interface UsageOptions {
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Told how many entries have been looked at, and how many there are, about. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Measures a store: looks at every file. Writes all that is waiting to be written first, as blocks are not known before.
 *
 * @throws {LaminaError} As {@link collect}.
 */
export async function measureUsage(store: Store, options: UsageOptions = {}): Promise<Usage> {
  store.sync();
  using shared = new DisposableStack();
  store.clear();
  shared.use(await store.working(options.signal));
  const disk = await measureDisk(store, options);
  using contents = new Contents(store.layout.objects);
  const images = store.images.list();
  const use = layerUse(images);
  const layers = new Map(
    store.layers.list().map((diffId) => [diffId, contents.tree(index(store, diffId))] as const),
  );
  const users = new Map<number, number>();
  for (const { objects } of layers.values()) {
    for (const object of objects) users.set(object, (users.get(object) ?? 0) + 1);
  }
  const names = store.names.byDigest();
  const usages = images.map((image) =>
    imageUsage(store, image, (names.get(image.digest) ?? []).sort(), contents, layers, use)
  );
  const logical = sum(usages.map(({ flattened }) => flattened));
  const alone = sum([...layers.values()].map(({ bytes }) => bytes));
  const inLayers = contents.bytesOf(users.keys()) +
    sum([...layers.values()].map(({ other }) => other));
  const layerUsages = [...layers].map(([diffId, { bytes, other, objects }]): LayerUsage => ({
    diffId,
    images: use.get(diffId) ?? 0,
    alone: bytes,
    unique: other + contents.bytesOf([...objects].filter((object) => users.get(object) === 1)),
  }));
  // The collector takes the lock itself.
  shared.dispose();
  const { signal } = options;
  const reclaimable = {
    now: (await collect(store, { dryRun: true, signal })).bytes,
    all: (await collect(store, { dryRun: true, all: true, signal })).bytes,
  };
  return {
    images: usages,
    layers: layerUsages,
    logical,
    savedByLayers: logical - alone,
    savedByContent: alone - inLayers,
    reclaimable,
    records: disk.stored - disk.metadata - disk.kept - disk.compositions - inLayers,
    ...disk,
  };
}

type DiskUsage = Pick<
  Usage,
  "stored" | "compositions" | "kept" | "method" | "metadata" | "inodes"
>;

async function measureDisk(store: Store, { signal, onProgress }: UsageOptions): Promise<DiskUsage> {
  const { layout } = store;
  const disk = new Disk(layout.root);
  const layers = store.layers.list();
  const total = sum(layers.map((diffId) => store.layers.record(diffId)?.entries ?? 0));
  for (const [n, diffId] of layers.entries()) {
    disk.add(layout.layer(diffId));
    if (n % 16 > 0) continue;
    onProgress?.(disk.inodes, total);
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
  }
  const apart = [layout.layers, layout.cache, layout.compositions];
  for (const name of listDirectory(layout.root)) {
    const path = `${layout.root}/${name}`;
    if (!apart.includes(path)) disk.add(path);
  }
  const part = (path: string) => {
    const before = disk.bytes - disk.metadataBytes;
    disk.add(path);
    return disk.bytes - disk.metadataBytes - before;
  };
  const kept = part(layout.cache);
  const compositions = part(layout.compositions);
  const { bytes: stored, method, metadataBytes: metadata, inodes } = disk;
  return { stored, compositions, kept, method, metadata, inodes };
}

function imageUsage(
  store: Store,
  image: ImageRecord,
  names: readonly string[],
  contents: Contents,
  layers: ReadonlyMap<string, TreeContent>,
  use: ReadonlyMap<string, number>,
): ImageUsage {
  const { layout } = store;
  using freed = new Freed(layout);
  const own = new Set<number>();
  let held = freed.add(layout.image(image.digest)) + freed.add(layout.tree(image.tree.digest));
  let unique = held;
  for (const diffId of new Set(image.layers.map((layer) => layer.diffId))) {
    const layer = layers.get(diffId);
    if (layer === undefined) continue;
    held += layer.other;
    layer.objects.forEach((object) => own.add(object));
    if (use.get(diffId) !== 1) continue;
    const { bytes, sharedBytes } = freed.addLayer(layout.layer(diffId));
    unique += bytes + sharedBytes;
  }
  held += contents.bytesOf(own);
  return {
    digest: image.digest,
    names,
    flattened: contents.tree(store.trees.load(image).image).bytes,
    unique,
    shared: Math.max(0, held - unique),
  };
}

function index(store: Store, diffId: string): Uint8Array {
  return readIfThere(store.layers.index(diffId)) ?? new Uint8Array();
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
