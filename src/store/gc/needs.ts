/**
 * What of a store is needed, and by whom.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { CompositionRecord } from "../compositions.ts";
import type { LeaseRecord } from "../leases.ts";
import type { Store } from "../store.ts";
import { type KnownImage, readCatalogue } from "./catalogue.ts";

/** An image, and what keeps it. */
export interface ImageUse {
  /** The image. */
  readonly image: KnownImage;
  /** Its names, in order. */
  readonly names: readonly string[];
  /** The leases that are on it. */
  readonly leases: readonly LeaseRecord[];
  /** The compositions of it. */
  readonly compositions: readonly CompositionRecord[];
}

/**
 * All images of a store with what keeps them. Hold the store's lock.
 *
 * @param alone Whether it is held alone.
 * @throws {LaminaError} `invalid` where an image that is needed cannot be read: nobody knows then what it needs.
 */
export function imageUses(store: Store, now: Date, alone: boolean): ImageUse[] {
  const { images, names } = readCatalogue(store, alone);
  const leases = Map.groupBy(store.leases.active(now), ({ image }) => image);
  const compositions = Map.groupBy(store.compositions.list(), ({ image }) => image);
  const there = new Set(images.map(({ digest }) => digest));
  for (const [digest, [record]] of compositions) {
    if (there.has(digest)) continue;
    throw new LaminaError(
      "invalid",
      `collecting: the image of composition ${record.id} at ${record.target} is gone (${digest}), so nobody knows its layers`,
      { hint: `Release it: lamina release ${record.id}; or pull the image again.` },
    );
  }
  return images.map((image) => ({
    image,
    names: [...names.get(image.digest) ?? []].sort(),
    leases: leases.get(image.digest) ?? [],
    compositions: compositions.get(image.digest) ?? [],
  }));
}
