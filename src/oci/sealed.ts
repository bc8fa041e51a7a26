/**
 * What a manifest promises of composefs digests, and whether it is so: composefs-rs' annotations for sealed images, written inline
 * (`composefs-meta-included` of its sealing specification).
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { fsVerityDigest, type Inode, normalizeOci, toHex, writeErofs } from "../tree/mod.ts";
import { annotationsOf, parseObject } from "./documents.ts";

/** On the manifest: the digest of the merged tree in the profile `oci-v1`. */
export const MERGED_DIGEST = "composefs.merged.erofs.v1.fsverity-sha256-12";
/** On the descriptor of the config: the fs-verity digest of its bytes. */
export const CONFIG_DIGEST = "composefs.config.fsverity-sha256-12";
/**
 * On the descriptor of a layer: the digest of an image of it alone. It is not checked: the specification does not say what tree that is
 * (whiteouts, implied directories, the root), and composefs-rs has no code that makes it.
 */
export const LAYER_DIGEST = "composefs.layer.erofs.v1.fsverity-sha256-12";

/** What a manifest says. */
export interface SealedDigests {
  /** The value of {@link MERGED_DIGEST}. */
  readonly merged: string | undefined;
  /** The value of {@link CONFIG_DIGEST}. */
  readonly config: string | undefined;
  /** The keys of digests that cannot be checked here: of layers, of bootable trees, of other algorithms. Each once. */
  readonly unchecked: readonly string[];
}

/**
 * Finds the digests of composefs images in a manifest.
 *
 * @throws {LaminaError} `invalid` for one that is to be checked, or a layer's, and is not 64 lower-case hex digits.
 */
export function sealedDigests(manifest: Uint8Array, subject: string): SealedDigests {
  const object = parseObject(manifest, subject);
  const unchecked = new Set<string>();
  const read = (from: unknown, what: string, wanted: string): string | undefined => {
    const annotations = annotationsOf(from, what, subject);
    for (const key of Object.keys(annotations)) {
      const digest = /^composefs\..*\.fsverity-sha(256|512)-[0-9]+$/.test(key);
      if (digest && (key !== wanted || wanted === LAYER_DIGEST)) unchecked.add(key);
    }
    const value = Object.hasOwn(annotations, wanted) ? annotations[wanted] : undefined;
    if (value === undefined || /^[0-9a-f]{64}$/.test(value)) return value;
    throw new LaminaError(
      "invalid",
      `${subject}: the annotation ${wanted} of ${what} is no SHA-256 digest`,
      { hint: "It is 64 lower-case hex digits: have the image sealed again." },
    );
  };
  const merged = read(object, "the manifest", MERGED_DIGEST);
  const config = read(object.config, "the config", CONFIG_DIGEST);
  const layers = Array.isArray(object.layers) ? object.layers : [];
  layers.forEach((layer, index) => read(layer, `layer ${index + 1}`, LAYER_DIGEST));
  return { merged, config, unchecked: [...unchecked].sort() };
}

/**
 * Checks the config's digest, if the manifest says it.
 *
 * @throws {LaminaError} `invalid`, with both digests.
 */
export function checkSealedConfig(
  config: Uint8Array,
  expected: string | undefined,
  subject: string,
): void {
  if (expected === undefined) return;
  compare("the config", toHex(fsVerityDigest(config)), expected, CONFIG_DIGEST, subject);
}

/**
 * Checks the digest of a merged tree, if the manifest says it.
 *
 * @param merge Makes the tree; called only where there is something to check.
 * @throws {LaminaError} `invalid`, with both digests.
 */
export function checkSealedTree(
  merge: () => Inode,
  expected: string | undefined,
  subject: string,
): void {
  if (expected === undefined) return;
  const image = writeErofs(normalizeOci(merge()), { format: "v1" });
  compare("the merged tree", toHex(fsVerityDigest(image)), expected, MERGED_DIGEST, subject);
}

function compare(
  what: string,
  found: string,
  expected: string,
  key: string,
  subject: string,
): void {
  if (found === expected) return;
  throw new LaminaError(
    "invalid",
    `${subject}: the composefs digest of ${what} is ${found}, but its manifest says ${expected} (annotation ${key})`,
    {
      hint:
        "The image is not the one that was sealed, or was sealed from something else: do not trust it; have it sealed again.",
    },
  );
}
