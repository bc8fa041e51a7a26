/**
 * What is to go: the choice of images, and all that only they need.
 *
 * @module
 */

import { listDirectory, readIfThere } from "../atomic.ts";
import { chainIds } from "../chains.ts";
import type { ImageRecord } from "../images.ts";
import type { Store } from "../store.ts";
import { Freed } from "./freed.ts";
import type { ImageUse } from "./needs.ts";

/** Which images go. None goes that a lease or a composition keeps. */
export interface Policy {
  /** Those with names too, if nothing else keeps them. */
  readonly all?: boolean;
  /** Only so many, with names too, least recently used first, that the store takes no more than this many bytes. */
  readonly keepStorage?: { readonly limit: number; readonly stored: number };
  /** Only those that were not used since. */
  readonly unusedSince?: Date;
}

/** What is to go, in the order in which it may go. */
export interface Plan {
  /** The images. */
  readonly images: readonly ImageUse[];
  /** Digests of trees. */
  readonly trees: readonly string[];
  /** Digests of trees of which strategies keep something. */
  readonly kept: readonly string[];
  /** Names of locks that were for making what is kept of trees. */
  readonly locks: readonly string[];
  /** Names of records of chains. */
  readonly chains: readonly string[];
  /** DiffIDs. */
  readonly layers: readonly string[];
}

/** Chooses the images, and finds what else goes with them and what nobody needs anyway. */
export function plan(store: Store, uses: readonly ImageUse[], policy: Policy): Plan {
  const images = chooseImages(store, uses, policy);
  const gone = new Set(images.map(({ image }) => image.digest));
  const kept = uses.filter(({ image }) => !gone.has(image.digest)).map(({ image }) => image);
  const needed = new Set(kept.flatMap((image) => image.layers.map(({ diffId }) => diffId)));
  return {
    images,
    layers: store.layers.list().filter((diffId) => !needed.has(diffId)),
    ...planTrees(store, kept),
  };
}

/** Images that may go: nothing but, perhaps, a name keeps them. */
function isFree({ leases, compositions, lastUsed }: ImageUse, { unusedSince }: Policy): boolean {
  return leases.length === 0 && compositions.length === 0 &&
    (unusedSince === undefined || lastUsed < unusedSince);
}

function chooseImages(store: Store, uses: readonly ImageUse[], policy: Policy): ImageUse[] {
  const free = uses.filter((use) => isFree(use, policy));
  const { keepStorage } = policy;
  if (policy.all && keepStorage === undefined) return free;
  const untagged = free.filter(({ names }) => names.length === 0);
  if (keepStorage === undefined) return untagged;
  const rest = free.filter(({ names }) => names.length > 0);
  return [...untagged, ...enough(store, uses, untagged, rest, keepStorage)];
}

/** The first of some images that, with what goes before, bring the store under its limit. */
function enough(
  store: Store,
  uses: readonly ImageUse[],
  before: readonly ImageUse[],
  candidates: readonly ImageUse[],
  { limit, stored }: { readonly limit: number; readonly stored: number },
): ImageUse[] {
  using freed = new Freed(store.layout);
  const layers = new Uses(uses, layersOf);
  const trees = new Uses(uses, ({ tree }) => new Set([tree.digest]));
  let left = stored;
  const free = (diffId: string) => {
    const { bytes, sharedBytes } = freed.addLayer(store.layout.layer(diffId));
    left -= bytes + sharedBytes;
  };
  const remove = ({ image }: ImageUse) => {
    left -= freed.add(store.layout.image(image.digest));
    for (const tree of trees.remove(image)) {
      left -= freed.add(store.layout.tree(tree)) + freed.add(store.layout.keptOf(tree));
    }
    layers.remove(image).forEach(free);
  };
  store.layers.list().filter((diffId) => !layers.has(diffId)).forEach(free);
  before.forEach(remove);
  const chosen: ImageUse[] = [];
  for (const use of candidates) {
    if (left <= limit) break;
    chosen.push(use);
    remove(use);
  }
  return chosen;
}

/** How many images use each of some things. */
class Uses {
  readonly #counts = new Map<string, number>();
  readonly #of: (image: ImageRecord) => ReadonlySet<string>;

  constructor(uses: readonly ImageUse[], of: (image: ImageRecord) => ReadonlySet<string>) {
    this.#of = of;
    for (const { image } of uses) {
      for (const key of of(image)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  /** Takes an image away. Returns what only it still used. */
  remove(image: ImageRecord): string[] {
    return [...this.#of(image)].filter((key) => {
      const count = this.#counts.get(key)! - 1;
      this.#counts.set(key, count);
      return count === 0;
    });
  }
}

/** An image may have a layer twice. */
function layersOf(image: ImageRecord): Set<string> {
  return new Set(image.layers.map(({ diffId }) => diffId));
}

/** Trees and chains that are of no use to the images that stay. */
function planTrees(
  { layout }: Store,
  images: readonly ImageRecord[],
): Pick<Plan, "trees" | "kept" | "locks" | "chains"> {
  const needed = new Set(images.map(({ tree }) => tree.digest));
  const kept = listDirectory(layout.kept).filter((digest) =>
    /^[0-9a-f]{64}$/.test(digest) && !needed.has(digest)
  );
  const locks = listDirectory(layout.locks).filter((name) => {
    const [, digest] = /^kept-([0-9a-f]{64})-/.exec(name) ?? [];
    return digest !== undefined && !needed.has(digest);
  });
  const records = listDirectory(layout.chains);
  const chains: string[] = [];
  if (records.length > 0) {
    const used = new Set(images.flatMap(chainIds).map((id) => id.replace(":", "-")));
    for (const name of records) {
      if (!used.has(name.slice(0, name.lastIndexOf("-")))) chains.push(name);
      else needed.add(new TextDecoder().decode(readIfThere(`${layout.chains}/${name}`)).trim());
    }
  }
  const trees = listDirectory(layout.trees).filter((name) => /^[0-9a-f]{64}\.erofs$/.test(name))
    .map((name) => name.slice(0, 64)).filter((digest) => !needed.has(digest));
  return { trees, kept, locks, chains };
}
