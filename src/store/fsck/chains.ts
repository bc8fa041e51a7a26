/**
 * Chains of layers that images share: the records of their metadata images, and these against what the layers make.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { Part } from "../../tree/mod.ts";
import { listDirectory, readIfThere } from "../atomic.ts";
import { chainIds } from "../chains.ts";
import type { ImageRecord } from "../images.ts";
import type { Store } from "../store.ts";
import type { Finding } from "./finding.ts";
import { wrongTree } from "./images.ts";

/** A record of a chain that an image begins with. */
interface Recorded extends Part {
  readonly name: string;
  readonly digest: string;
  /** Digests of the images. */
  readonly users: string[];
}

/**
 * Checks the records of chains that images have. Says nothing of others: nobody reads them.
 *
 * @param quick Whether the layers are not asked what they make.
 */
export function* checkChains(
  store: Store,
  images: readonly ImageRecord[],
  quick: boolean,
): Generator<Finding> {
  const finding = (name: string, message: string, users: string[]): Finding => ({
    kind: "chain-tree",
    severity: "damage",
    id: name,
    message,
    images: users,
  });
  const users = usersOf(images);
  const whole = new Map<ImageRecord, Recorded[]>();
  for (const name of listDirectory(store.layout.chains)) {
    const [, algorithm, hex, from] = /^(sha256)-([0-9a-f]{64})-(\d+)$/.exec(name) ?? [];
    const chain = users.get(`${algorithm}:${hex}`);
    const bytes = readIfThere(`${store.layout.chains}/${name}`);
    if (chain === undefined || bytes === undefined) continue;
    const digest = new TextDecoder().decode(bytes).trim();
    const wrong = /^[0-9a-f]{64}$/.test(digest)
      ? wrongTree(store, digest)
      : "its record names no digest";
    const digests = chain.images.map((image) => image.digest);
    if (wrong !== undefined) yield finding(name, wrong, digests);
    else {
      const record = { name, digest, users: digests, from: Number(from), to: chain.length };
      whole.set(chain.images[0], [...whole.get(chain.images[0]) ?? [], record]);
    }
  }
  if (quick) return;
  for (const [image, recorded] of whole) {
    for (const { name, users } of differing(store, image, recorded)) {
      yield finding(name, "its tree is not what the layers make", users);
    }
  }
}

/** The images that begin with each chain, by its ChainID, and how many layers that has. */
function usersOf(
  images: readonly ImageRecord[],
): Map<string, { readonly length: number; readonly images: ImageRecord[] }> {
  const users = new Map<string, { length: number; images: ImageRecord[] }>();
  for (const image of images) {
    for (const [index, id] of chainIds(image).entries()) {
      const chain = users.get(id) ?? { length: index + 1, images: [] };
      chain.images.push(image);
      users.set(id, chain);
    }
  }
  return users;
}

/** Those of which the layers make another tree. None where a layer cannot be read: that is for others to say. */
function differing(store: Store, image: ImageRecord, recorded: readonly Recorded[]): Recorded[] {
  const found: Recorded[] = [];
  let left = recorded.filter(({ from, to }) => from < to)
    .sort((a, b) => a.from - b.from || a.to - b.to);
  try {
    // Each walk over the layers makes parts that do not overlap.
    while (left.length > 0) {
      const parts: Recorded[] = [];
      for (const one of left) if (one.from >= (parts.at(-1)?.to ?? 0)) parts.push(one);
      const made = store.chains.rebuild(image, parts);
      found.push(...parts.filter(({ digest }, index) => made[index] !== digest));
      left = left.filter((one) => !parts.includes(one));
    }
  } catch (error) {
    if (!(error instanceof LaminaError)) throw error;
  }
  return found;
}
