/**
 * Brings an image into the store.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import {
  bytesToRead,
  ImageCount,
  LayerPipeline,
  type LayerResult,
  type LayerSource,
} from "../layer/mod.ts";
import {
  checkName,
  type ImageRecord,
  type LayerRecord,
  type Staging,
  type Store,
} from "../store/mod.ts";
import { ImageEntry } from "./entry.ts";
import type { ResolvedImage } from "./image.ts";
import { claimLayers } from "./layer_locks.ts";
import type { Platform } from "./platform.ts";
import { parseReference, sourceOf } from "./reference.ts";
import { checkSealedConfig, CONFIG_DIGEST, MERGED_DIGEST, sealedDigests } from "./sealed.ts";
import { openSource } from "./source.ts";

/** How an image is pulled. */
export interface PullOptions {
  /** Its name in the store; default: the best that the source suggests. */
  readonly name?: string;
  /** What it must run on; default: this host, where the source has a choice. */
  readonly platform?: Platform;
  /** The threads to ingest with, which stay the caller's: for several pulls, one after the other. By default it has its own. */
  readonly pipeline?: LayerPipeline;
  /** Layers that are ingested at once, where it has its own threads; default: the pipeline's. */
  readonly parallel?: number;
  /** Bounds that differ from the defaults. */
  readonly limits?: Partial<Limits>;
  /** For a layout: see {@link SourceOptions.sharedBlobs}. */
  readonly sharedBlobs?: string;
  /** Told how far it is. Must be quick, and must not throw. */
  readonly onProgress?: (event: PullEvent) => void;
  /** Stops the pull; what is half done is undone. */
  readonly signal?: AbortSignal;
}

/** How far a pull is. */
export type PullEvent =
  /** The image is found: so many layers it has, each once, and so many of them are missing. */
  | {
    readonly type: "found";
    readonly digest: string;
    readonly layers: number;
    readonly missing: number;
  }
  /** Of a layer's blob, `done` bytes of `total` are read. The last event of a layer has `finished`. */
  | {
    readonly type: "layer";
    readonly diffId: string;
    readonly digest: string;
    readonly done: number;
    readonly total: number;
    readonly finished: boolean;
  }
  /** All that was unpacked is made durable, and enters the store. */
  | { readonly type: "entering" }
  /** The merged tree is made. */
  | { readonly type: "merging" };

/** A layer of a pulled image. */
export interface PulledLayer extends LayerRecord {
  /** Whether this pull brought it; else the store had it, or another pull brought it meanwhile. */
  readonly isNew: boolean;
}

/** What came of a pull. */
export interface PullResult {
  /** As the store has it now. */
  readonly image: ImageRecord;
  /** The name that the image got; undefined where it has none. */
  readonly name: string | undefined;
  /** Digest of the image that the name stood for before, if another. */
  readonly replaced: string | undefined;
  /** Whether the store had the image already. */
  readonly known: boolean;
  /** Lowest first; a layer that the image has twice is here twice. */
  readonly layers: readonly PulledLayer[];
  /** Bytes of files that the pull added to the store: those of new layers without what they share with other content. */
  readonly newBytes: number;
  /** Bytes of files of new layers whose content the store had already. */
  readonly sharedBytes: number;
  /** The annotations of the manifest with composefs digests that were found to be right, by key; see `sealed.ts`. */
  readonly verified: readonly string[];
  /** Those that cannot be checked here. */
  readonly unverified: readonly string[];
  /** How long it took. */
  readonly seconds: number;
}

/**
 * Pulls an image: finds it, ingests the layers that the store lacks, in parallel, lets them enter, then the image, then its name. No damaged layer enters,
 * and no image whose layers are not all there. Several pulls at once do the work on a layer that they share once.
 *
 * @param reference See {@link parseReference}.
 * @throws {LaminaError} As {@link openSource} and the ingest do; the signal's reason when it is aborted.
 */
export async function pull(
  store: Store,
  reference: string,
  options: PullOptions = {},
): Promise<PullResult> {
  try {
    return await pullShared(store, reference, options);
  } catch (error) {
    // The objects of layers that did not enter because others of the image are wrong.
    store.clear();
    throw error;
  }
}

/** Pulls, and holds the store's lock meanwhile. */
async function pullShared(
  store: Store,
  reference: string,
  options: PullOptions,
): Promise<PullResult> {
  const begun = performance.now();
  if (options.name !== undefined) checkName(options.name);
  const parsed = parseReference(reference);
  using source = await openSource(parsed, {
    limits: options.limits,
    sharedBlobs: options.sharedBlobs,
  });
  const found = await source.resolve(options.platform);
  const subject = `pulling ${reference}`;
  const sealed = sealedDigests(found.manifest, subject);
  checkSealedConfig(found.config, sealed.config, subject);
  store.clear();
  using _shared = await store.working(options.signal);

  using entry = new ImageEntry(store, found, sourceOf(parsed));
  const brought = await bringLayers(store, reference, found, entry, options);
  const name = options.name ?? found.names[0];
  const known = nameImage(store, found.digest, name, sourceOf(parsed));
  let named = known;
  // Once, unless somebody removes the image before it has its name.
  while (named === undefined) {
    options.onProgress?.({ type: "merging" });
    entry.enter(sealed, subject);
    named = nameImage(store, found.digest, name, sourceOf(parsed));
  }
  const { image, before } = named;

  const layers = found.layers.map(({ diffId }): PulledLayer => ({
    ...store.layers.record(diffId)!,
    isNew: brought.has(diffId),
  }));
  const results = [...brought.values()];
  const shared = results.reduce((sum, { sharedBytes }) => sum + sharedBytes, 0);
  return {
    image,
    name,
    replaced: before === found.digest ? undefined : before,
    known: known !== undefined,
    layers,
    newBytes: results.reduce((sum, { fileBytes }) => sum + fileBytes, 0) - shared,
    sharedBytes: shared,
    verified: [
      ...sealed.config === undefined ? [] : [CONFIG_DIGEST],
      ...sealed.merged === undefined ? [] : [MERGED_DIGEST],
    ],
    unverified: sealed.unchecked,
    seconds: (performance.now() - begun) / 1000,
  };
}

/** Ingests the layers that the store lacks. Returns those that this pull brought; what others bring meanwhile is waited for. */
async function bringLayers(
  store: Store,
  reference: string,
  image: ResolvedImage,
  entry: ImageEntry,
  options: PullOptions,
): Promise<Map<string, LayerResult>> {
  const brought = new Map<string, LayerResult>();
  const isMissing = (diffId: string) => !store.layers.has(diffId);
  const sources = new Map(image.layers.map((layer) => [layer.diffId, layer]));
  const missing = [...sources.keys()].filter(isMissing);
  options.onProgress?.({
    type: "found",
    digest: image.digest,
    layers: sources.size,
    missing: missing.length,
  });
  if (missing.length === 0) return brought;

  await using own = options.pipeline === undefined
    ? new LayerPipeline({ native: store.native, parallel: options.parallel })
    : undefined;
  const pipeline = options.pipeline ?? own!;
  const count = new ImageCount(
    [...sources.keys()].reduce(
      (sum, diffId) => sum + (store.layers.record(diffId)?.tarBytes ?? 0),
      0,
    ),
  );
  // The largest first: then the smaller ones fill the time of the other thread.
  missing.sort((a, b) => bytesToRead(sources.get(b)!) - bytesToRead(sources.get(a)!));
  for (;;) {
    using claim = await claimLayers(store, missing, isMissing, options.signal);
    if (claim.diffIds.size === 0) return brought;
    const layers = [...claim.diffIds].map((diffId) => sources.get(diffId)!);
    const tools = { store, pipeline, count, entry };
    for (const result of await ingest(tools, reference, image, layers, options)) {
      brought.set(result.diffId, result);
    }
  }
}

/** What layers are ingested with. */
interface Tools {
  readonly store: Store;
  readonly pipeline: LayerPipeline;
  readonly count: ImageCount;
  readonly entry: ImageEntry;
}

/** Ingests layers, all or none. */
async function ingest(
  { store, pipeline, count, entry }: Tools,
  reference: string,
  image: ResolvedImage,
  layers: readonly LayerSource[],
  options: PullOptions,
): Promise<LayerResult[]> {
  using stagings = new DisposableStack();
  const make = () => stagings.adopt(store.staging(), (staging) => store.layers.discard(staging));
  const staged: { result: LayerResult; staging: Staging }[] = [];
  const indexes = new Map<string, string>();
  const work = layers.map(async (layer) => {
    const staging = make();
    const { diffId, digest } = layer;
    const total = bytesToRead(layer);
    const tell = (done: number, finished: boolean) =>
      options.onProgress?.({ type: "layer", diffId, digest, done, total, finished });
    tell(0, false);
    try {
      const target = { staging: staging.path, objects: store.layout.objects };
      const result = await pipeline.ingest(layer, target, {
        limits: options.limits,
        image: count,
        onProgress: ({ read }) => tell(read, false),
        onIndexed: () => {
          indexes.set(diffId, `${staging.path}/index.erofs`);
          if (indexes.size === layers.length) entry.buildAhead(indexes);
        },
      });
      tell(total, true);
      staged.push({ result, staging });
    } catch (cause) {
      throw explain(cause, reference, image, layer);
    }
  });
  await untilDone(work, pipeline, options.signal);
  options.onProgress?.({ type: "entering" });
  store.layers.enter(staged.map(({ result, staging }) => ({ record: recordOf(result), staging })));
  return staged.map(({ result }) => result);
}

/** What the store notes of a layer. */
export function recordOf(result: LayerResult): LayerRecord {
  const { diffId, entries, bytes, fileBytes, sharedBytes, metacopies, indexDigest } = result;
  return { diffId, entries, tarBytes: bytes, fileBytes, sharedBytes, metacopies, indexDigest };
}

/** Waits for all layers. When one fails, or the signal comes, the others are stopped: nothing is at work any more when this throws. */
async function untilDone(
  work: readonly Promise<void>[],
  pipeline: LayerPipeline,
  signal: AbortSignal | undefined,
): Promise<void> {
  const settled = Promise.allSettled(work);
  const stop = () => pipeline.stop();
  signal?.addEventListener("abort", stop, { once: true });
  try {
    signal?.throwIfAborted();
    await Promise.all(work);
  } catch (error) {
    await stop();
    await settled;
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** Says of which layer an error is. */
function explain(
  cause: unknown,
  reference: string,
  image: ResolvedImage,
  layer: LayerSource,
): unknown {
  if (!(cause instanceof LaminaError)) return cause;
  const position = image.layers.indexOf(layer) + 1;
  return new LaminaError(
    cause.kind,
    `pulling ${reference}: layer ${position} of ${image.layers.length}: ${cause.message}`,
    { cause, ...(cause.hint === undefined ? {} : { hint: cause.hint }) },
  );
}

/** Gives an image its name and notes its use; undefined where the image is gone. */
function nameImage(
  store: Store,
  digest: string,
  name: string | undefined,
  source: string,
): { readonly image: ImageRecord; readonly before: string | undefined } | undefined {
  using _images = store.images.lock();
  const image = store.images.get(digest);
  if (image === undefined) return undefined;
  store.images.use(digest);
  return { image, before: name === undefined ? undefined : store.names.set(name, digest, source) };
}
