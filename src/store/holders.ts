/**
 * What needs an image, and what only that image needs.
 *
 * @module
 */

import type { CompositionRecord } from "./compositions.ts";
import type { ImageRecord } from "./images.ts";
import type { LeaseRecord } from "./leases.ts";
import type { Store } from "./store.ts";

/** What keeps an image in the store whether or not it has a name. */
export interface Holders {
  /** Root filesystems that are composed of it. */
  readonly compositions: readonly CompositionRecord[];
  /** Leases on it that have not expired. */
  readonly leases: readonly LeaseRecord[];
}

/** What keeps an image at a time. */
export function holdersOf(store: Store, digest: string, now: Date = new Date()): Holders {
  return {
    compositions: store.compositions.list().filter(({ image }) => image === digest),
    leases: store.leases.active(now).filter(({ image }) => image === digest),
  };
}

/** How many images of a store have each layer, by DiffID. */
export function layerUse(images: readonly ImageRecord[]): Map<string, number> {
  const use = new Map<string, number>();
  for (const { layers } of images) {
    for (const diffId of new Set(layers.map((layer) => layer.diffId))) {
      use.set(diffId, (use.get(diffId) ?? 0) + 1);
    }
  }
  return use;
}

/** The layers that no other image has, lowest first, with the bytes of file content that they brought to the store. */
export function ownLayers(
  store: Store,
  image: ImageRecord,
  use: ReadonlyMap<string, number> = layerUse(store.images.list()),
): { readonly diffIds: readonly string[]; readonly bytes: number } {
  const all = new Set(image.layers.map(({ diffId }) => diffId));
  const diffIds = [...all].filter((diffId) => use.get(diffId) === 1);
  const bytes = diffIds.reduce((sum, diffId) => {
    const { fileBytes = 0, sharedBytes = 0 } = store.layers.record(diffId) ?? {};
    return sum + fileBytes - sharedBytes;
  }, 0);
  return { diffIds, bytes };
}
