/**
 * Removing images by name or digest, as podman-rmi(1) does it: a name goes, and with the last name the image.
 *
 * Layers and trees stay for the collector, which frees what nothing needs any more.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { type Holders, holdersOf, ownLayers } from "./holders.ts";
import type { ImageRecord } from "./images.ts";
import type { Store } from "./store.ts";

/** What {@link removeImage} did. */
export interface Removal {
  /** Digest of the image's manifest. */
  readonly digest: string;
  /** Names that are gone. */
  readonly untagged: readonly string[];
  /** Whether the image is gone. */
  readonly removed: boolean;
  /** Leases that were dropped for it, by force. */
  readonly leases: readonly string[];
  /** DiffIDs of the layers that no image has any more. */
  readonly layers: readonly string[];
  /** Bytes of file content that these brought to the store: what a collection frees, about. */
  readonly bytes: number;
}

/**
 * Removes a name, or the image if it is its last one; by digest: the image.
 *
 * @param reference A name, a digest, or the beginning of one.
 * @param options `allNames`: by digest, also an image of several names. `force`: that too, and an image that leases keep, which are dropped.
 * A composition keeps its image always.
 * @throws {LaminaError} `not-found`; `usage` for the beginning of several digests; `busy` where the image is needed or has more names.
 */
export function removeImage(
  store: Store,
  reference: string,
  options: { readonly force?: boolean; readonly allNames?: boolean } = {},
): Removal {
  using _shared = store.shared();
  using _images = store.images.lock();
  const image = store.images.find(reference);
  const names = (store.names.byDigest().get(image.digest) ?? []).sort();
  const byName = store.names.get(reference) === image.digest;
  if (byName && names.length > 1) {
    store.names.remove(reference);
    return untagged(image, reference);
  }
  const force = options.force === true;
  if (names.length > 1 && !force && !options.allNames) {
    throw new LaminaError(
      "busy",
      `removing image ${reference}: it has ${names.length} names: ${names.join(", ")}`,
      { hint: "Remove it by its names, or add --force." },
    );
  }
  const holders = holdersOf(store, image.digest);
  checkUnneeded(reference, holders, force);
  const leases = holders.leases.map(({ id }) => id);
  for (const id of leases) store.leases.remove(id);
  const { diffIds, bytes } = ownLayers(store, image);
  // The names first: none ever stands for an image that is gone.
  for (const name of names) store.names.remove(name);
  store.images.remove(image.digest);
  return {
    digest: image.digest,
    untagged: names,
    removed: true,
    leases,
    layers: diffIds,
    bytes,
  };
}

function untagged({ digest }: ImageRecord, name: string): Removal {
  return { digest, untagged: [name], removed: false, leases: [], layers: [], bytes: 0 };
}

function checkUnneeded(reference: string, holders: Holders, force: boolean): void {
  const { compositions, leases } = holders;
  if (compositions.length > 0) {
    const which = compositions.map(({ id, target }) => `${id} at ${target}`).join(", ");
    throw new LaminaError(
      "busy",
      `removing image ${reference}: ${which} ${
        compositions.length === 1 ? "is" : "are"
      } made of it`,
      { hint: `Release first: lamina release ${compositions.map(({ id }) => id).join(" ")}` },
    );
  }
  if (leases.length > 0 && !force) {
    const which = leases.map(({ id, owner }) => owner === "" ? id : `${id} of ${owner}`).join(", ");
    throw new LaminaError(
      "busy",
      `removing image ${reference}: ${leases.length === 1 ? "lease" : "leases"} ${which} ${
        leases.length === 1 ? "keeps" : "keep"
      } it`,
      { hint: "Remove the lease first (lamina lease rm), or add --force, which drops it." },
    );
  }
}
