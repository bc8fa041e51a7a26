/**
 * Repairs of images: their trees and what belongs to these out of the layers, their documents from where they came, their records out of these.
 *
 * @module
 */

import { AT_FDCWD, check, RENAME_EXCHANGE, renameat2 } from "../../../linux/mod.ts";
import { fsVerityDigest, toHex, writeErofs } from "../../../tree/mod.ts";
import {
  listDirectory,
  readIfThere,
  removeIfThere,
  replaceFile,
  syncDirectory,
  writeDurably,
} from "../../atomic.ts";
import type { ImageDescription, ImageRecord } from "../../images.ts";
import type { Store } from "../../store.ts";
import { checkDocuments, readImage } from "../images.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Provenance, Supplier } from "./supplier.ts";

const silent = () => {};

/** Writes the tree of an image again, if its layers make it. Returns whether they do. */
export function restoreTree(store: Store, image: ImageRecord): boolean {
  const bytes = writeErofs(store.trees.merge(image).root, { format: "v1" });
  if (toHex(fsVerityDigest(bytes)) !== image.tree.digest) return false;
  replaceFile(store.layout.tree(image.tree.digest), bytes, store.layout.tmp);
  return true;
}

/** Puts the documents of an image in their place again, as its source has them. */
export async function restoreDocuments(
  store: Store,
  digest: string,
  image: ImageRecord | undefined,
  supplier: Supplier,
): Promise<void> {
  const { manifest, config } = await supplier.documents(provenanceOf(store, digest, image));
  const directory = store.layout.image(digest);
  replaceFile(`${directory}/manifest.json`, manifest, store.layout.tmp);
  replaceFile(`${directory}/config.json`, config, store.layout.tmp);
}

/** Where an image came from, by its record or, without one, by its names. */
function provenanceOf(
  store: Store,
  digest: string,
  image: ImageRecord | undefined,
): Provenance {
  if (image !== undefined) return image;
  const sources = (store.names.byDigest().get(digest) ?? []).map((name) =>
    store.names.source(name)
  );
  return { digest, source: sources.find((source) => source !== undefined) ?? "", platform: "" };
}

/**
 * Makes the directory of an image anew out of its manifest and config, which are whole, and its layers; what was there is put into quarantine.
 *
 * @returns Whether it could.
 */
export function remakeImage(store: Store, digest: string, quarantine: Quarantine): boolean {
  const place = store.layout.image(digest);
  const manifest = readIfThere(`${place}/manifest.json`);
  const config = readIfThere(`${place}/config.json`);
  if (manifest === undefined || config === undefined) return false;
  const before = readImage(store, digest, silent);
  const provenance = provenanceOf(store, digest, before);
  const description = describe(provenance, before, manifest, config);
  if (!description.layers.every(({ diffId }) => store.layers.has(diffId))) return false;
  let sound = true;
  checkDocuments(store, { ...description, tree: before?.tree } as ImageRecord, () => sound = false);
  if (!sound) return false;
  using staging = store.staging();
  const image = store.trees.make(description, staging);
  writeDurably(`${staging.path}/manifest.json`, manifest);
  writeDurably(`${staging.path}/config.json`, config);
  writeDurably(`${staging.path}/image.json`, JSON.stringify(image, null, 2) + "\n");
  syncDirectory(staging.path);
  const r = renameat2(AT_FDCWD, staging.path, AT_FDCWD, place, RENAME_EXCHANGE);
  check(r, "renameat2", place);
  store.sync();
  quarantine.move(AT_FDCWD, staging.path, `image ${digest}`, "its directory was made anew");
  return true;
}

/** Brings the layers of an image that the store has not, as a pull does. Returns whether there were any. */
export async function bringLayers(
  store: Store,
  supplier: Supplier,
  image: ImageDescription,
): Promise<boolean> {
  const { layers, layout } = store;
  let brought = false;
  for (const { diffId } of image.layers) {
    const place = layout.layer(diffId);
    // What is there and damaged is for others to repair.
    if (listDirectory(place).length > 0) continue;
    using staging = store.staging();
    try {
      const target = { staging: staging.path, objects: layout.objects };
      const record = await supplier.layer(image, diffId, target);
      removeIfThere(place);
      layers.enter([{ record, staging }]);
    } catch (error) {
      layers.discard(staging);
      throw error;
    }
    brought = true;
  }
  return brought;
}

/**
 * Brings an image that the store has not, as a pull does.
 *
 * @throws {LaminaError} Where it is not to be had.
 */
export async function bringImage(
  store: Store,
  supplier: Supplier,
  provenance: Provenance,
): Promise<void> {
  const { manifest, config } = await supplier.documents(provenance);
  const description = describe(provenance, undefined, manifest, config);
  await bringLayers(store, supplier, description);
  using staging = store.staging();
  const image = store.trees.make(description, staging);
  store.images.enter(image, manifest, config, staging);
}

function describe(
  provenance: Provenance,
  before: ImageRecord | undefined,
  manifest: Uint8Array,
  config: Uint8Array,
): ImageDescription {
  const parse = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const { layers } = parse(manifest);
  const { rootfs, os, architecture, variant } = parse(config);
  const diffIds: string[] = rootfs.diff_ids;
  return {
    digest: provenance.digest,
    source: provenance.source,
    platform: before?.platform ?? [os, architecture, variant].filter(Boolean).join("/"),
    pulled: before?.pulled ?? new Date().toISOString(),
    layers: diffIds.map((diffId, n) => {
      const { digest, size, mediaType } = layers[n];
      return { diffId, digest, size, mediaType };
    }),
  };
}
