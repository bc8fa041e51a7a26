/**
 * What of a store is needed, and by whom.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { CompositionRecord } from "../compositions.ts";
import type { ImageRecord } from "../images.ts";
import type { LeaseRecord } from "../leases.ts";
import type { Store } from "../store.ts";

/** An image, and what keeps it. */
export interface ImageUse {
  /** The image. */
  readonly image: ImageRecord;
  /** Its names, in order. */
  readonly names: readonly string[];
  /** When it was last pulled or composed. */
  readonly lastUsed: Date;
  /** The leases that are on it. */
  readonly leases: readonly LeaseRecord[];
  /** The compositions of it. */
  readonly compositions: readonly CompositionRecord[];
}

/**
 * All images of a store with what keeps them, the least recently used first. Hold the store's lock.
 *
 * @throws {LaminaError} `invalid` where an image that is needed cannot be read: nobody knows then what it needs.
 */
export function imageUses(store: Store, now: Date): ImageUse[] {
  const names = store.names.byDigest();
  const leases = Map.groupBy(store.leases.active(now), ({ image }) => image);
  const compositions = Map.groupBy(store.compositions.list(), ({ image }) => image);
  const digests = store.images.digests();
  const there = new Set(digests);
  for (const [digest, [record]] of compositions) {
    if (there.has(digest)) continue;
    throw new LaminaError(
      "invalid",
      `collecting: the image of composition ${record.id} at ${record.target} is gone (${digest}), so nobody knows its layers`,
      { hint: `Release it: lamina release ${record.id}; or pull the image again.` },
    );
  }
  return digests.map((digest) => ({
    image: read(store, digest),
    names: (names.get(digest) ?? []).sort(),
    lastUsed: store.images.lastUsed(digest) ?? now,
    leases: leases.get(digest) ?? [],
    compositions: compositions.get(digest) ?? [],
  })).sort((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime());
}

function read(store: Store, digest: string): ImageRecord {
  try {
    const image = store.images.get(digest);
    if (image !== undefined) return image;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const path = store.layout.image(digest);
  throw new LaminaError("invalid", `collecting: the record of image ${digest} cannot be read`, {
    hint:
      `${path}/image.json is damaged: remove the directory and pull the image again; until then nothing is collected.`,
  });
}
