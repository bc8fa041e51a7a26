/**
 * What is to go: the choice of images, and all that only they need.
 *
 * @module
 */

import { listDirectory, readIfThere } from "../atomic.ts";
import { chainIds } from "../chains.ts";
import type { Store } from "../store.ts";
import type { KnownImage } from "./catalogue.ts";
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

/** An image that may go. */
export interface Candidate extends ImageUse {
  /** When it was last pulled or composed. */
  readonly lastUsed: Date;
}

/** What is to go, in the order in which it may go. */
export interface Plan {
  /** The images, least recently used first. */
  readonly images: readonly Candidate[];
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

/** Images that may go, since nothing but, perhaps, a name keeps them: those that matter for a policy, least recently used first. */
function candidates(store: Store, uses: readonly ImageUse[], policy: Policy): Candidate[] {
  const { all, keepStorage, unusedSince } = policy;
  const now = new Date();
  return uses.filter(({ names, leases, compositions }) =>
    leases.length === 0 && compositions.length === 0 &&
    (names.length === 0 || all || keepStorage !== undefined)
  ).map((use) => ({ ...use, lastUsed: store.images.lastUsed(use.image.digest) ?? now }))
    .filter(({ lastUsed }) => unusedSince === undefined || lastUsed < unusedSince)
    .sort((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime());
}

function chooseImages(store: Store, uses: readonly ImageUse[], policy: Policy): Candidate[] {
  const free = candidates(store, uses, policy);
  const { keepStorage } = policy;
  if (keepStorage === undefined) return free;
  const untagged = free.filter(({ names }) => names.length === 0);
  const rest = free.filter(({ names }) => names.length > 0);
  return [...untagged, ...enough(store, uses, untagged, rest, keepStorage)];
}

/** The first of some images that, with what goes before, bring the store under its limit. */
function enough(
  store: Store,
  uses: readonly ImageUse[],
  before: readonly ImageUse[],
  rest: readonly Candidate[],
  { limit, stored }: { readonly limit: number; readonly stored: number },
): Candidate[] {
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
  const chosen: Candidate[] = [];
  for (const use of rest) {
    if (left <= limit) break;
    chosen.push(use);
    remove(use);
  }
  return chosen;
}

/** How many images use each of some things. */
class Uses {
  readonly #counts = new Map<string, number>();
  readonly #of: (image: KnownImage) => ReadonlySet<string>;

  constructor(uses: readonly ImageUse[], of: (image: KnownImage) => ReadonlySet<string>) {
    this.#of = of;
    for (const { image } of uses) {
      for (const key of of(image)) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
  }

  has(key: string): boolean {
    return this.#counts.has(key);
  }

  /** Takes an image away. Returns what only it still used. */
  remove(image: KnownImage): string[] {
    return [...this.#of(image)].filter((key) => {
      const count = this.#counts.get(key)! - 1;
      this.#counts.set(key, count);
      return count === 0;
    });
  }
}

/** An image may have a layer twice. */
function layersOf(image: KnownImage): Set<string> {
  return new Set(image.layers.map(({ diffId }) => diffId));
}

/** Trees and chains that are of no use to the images that stay. */
function planTrees(
  { layout }: Store,
  images: readonly KnownImage[],
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
