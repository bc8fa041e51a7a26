/**
 * Images: their records and documents, their layers, and the trees that these make.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LaminaError } from "../../error.ts";
import { countTree, encodeOrigins, fsVerityDigest, toHex, writeErofs } from "../../tree/mod.ts";
import { listDirectory, readIfThere } from "../atomic.ts";
import { splitDigest } from "../digest.ts";
import type { ImageRecord } from "../images.ts";
import type { Store } from "../store.ts";
import { equal } from "./expected.ts";
import type { FindingKind } from "./finding.ts";
import { fixupDifference } from "./fixup.ts";

/** Takes what is wrong with an image: what of it, if only a part; in words. */
export type ReportImage = (kind: FindingKind, message: string, path?: string) => void;

/** The record of an image, if it can be read and is that image's. */
export function readImage(
  store: Store,
  digest: string,
  report: ReportImage,
): ImageRecord | undefined {
  const bytes = readIfThere(`${store.layout.image(digest)}/image.json`);
  const wrong = (why: string) => report("image-record", `image.json ${why}`, "image.json");
  if (bytes === undefined) return void wrong("is missing");
  try {
    const record: ImageRecord = JSON.parse(new TextDecoder().decode(bytes));
    if (record.digest !== digest) return void wrong(`is that of another image (${record.digest})`);
    record.layers.forEach(({ diffId }) => splitDigest(diffId));
    splitDigest(`sha256:${record.tree.digest}`);
    return record;
  } catch (error) {
    if (error instanceof LaminaError) wrong(`names something that is no digest: ${error.message}`);
    else if (error instanceof SyntaxError) wrong("cannot be read: it is not JSON");
    else if (error instanceof TypeError) wrong("cannot be read: it lacks what every record has");
    else throw error;
  }
}

/** Checks the manifest and the config against their digests, and the record against them. */
export function checkDocuments(store: Store, image: ImageRecord, report: ReportImage): void {
  const directory = store.layout.image(image.digest);
  const manifest = document(directory, "manifest.json", image.digest, report);
  if (manifest === undefined) return;
  const { config, layers } = JSON.parse(new TextDecoder().decode(manifest));
  const blobs: string[] = layers.map(({ digest }: { digest: string }) => digest);
  compareLists("blobs", blobs, image.layers.map(({ digest }) => digest), report);
  const bytes = document(directory, "config.json", config.digest, report);
  if (bytes === undefined) return;
  const { rootfs } = JSON.parse(new TextDecoder().decode(bytes));
  compareLists("DiffIDs", rootfs.diff_ids, image.layers.map(({ diffId }) => diffId), report);
}

/** Reads a document, if it is what its digest says. */
function document(
  directory: string,
  name: string,
  digest: string,
  report: ReportImage,
): Uint8Array | undefined {
  const bytes = readIfThere(`${directory}/${name}`);
  if (bytes === undefined) return void report("image-document", `${name} is missing`, name);
  const { algorithm } = splitDigest(digest);
  const actual = `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
  if (actual === digest) return bytes;
  report("image-document", `${name} has the digest ${actual} instead of ${digest}`, name);
}

function compareLists(
  what: string,
  expected: readonly string[],
  actual: readonly string[],
  report: ReportImage,
): void {
  if (expected.length === actual.length && expected.every((one, n) => one === actual[n])) return;
  report("image-record", `image.json names other ${what} than the image`, "image.json");
}

/**
 * Checks that the file of a tree is what its digest says.
 *
 * @returns What is wrong with it, or undefined.
 */
export function wrongTree(store: Store, digest: string): string | undefined {
  const bytes = readIfThere(store.layout.tree(digest));
  if (bytes === undefined) return `trees/${digest}.erofs is missing`;
  const actual = toHex(fsVerityDigest(bytes));
  return actual === digest ? undefined : `trees/${digest}.erofs has the digest ${actual}`;
}

/**
 * Makes an image's tree out of its layers once more, and compares it, and what belongs to it, with what is there. Says nothing where a
 * layer cannot be read, which is for others to say.
 *
 * @returns Whether the layers make the image's tree: then their indexes are what they were.
 */
export function checkRebuild(store: Store, image: ImageRecord, report: ReportImage): boolean {
  let merged;
  try {
    merged = store.trees.merge(image);
  } catch (error) {
    if (error instanceof LaminaError) return false;
    throw error;
  }
  const { root, fixup } = merged;
  const digest = toHex(fsVerityDigest(writeErofs(root, { format: "v1" })));
  if (digest !== image.tree.digest) {
    report("image-tree", `its layers make the tree ${digest} instead of ${image.tree.digest}`);
    return false;
  }
  const counts = countTree(root);
  const { large = counts.large, ...recorded } = image.tree;
  const same = recorded.directories === counts.directories && recorded.files === counts.files &&
    recorded.bytes === counts.bytes && large === counts.large;
  if (!same) {
    report("image-record", "image.json has other numbers than its tree", "image.json");
  }
  const origins = readIfThere(store.trees.origins(image));
  if (origins === undefined || !equal(origins, encodeOrigins(root))) {
    const what = origins === undefined ? "is missing" : "is not what its layers make";
    report("image-parts", `origins ${what}`, "origins");
  }
  const layers = image.layers.map(({ diffId }) => store.layers.directory(diffId));
  const there = store.trees.fixup(image);
  const different = fixup === undefined
    ? there && "it needs none"
    : fixupDifference(fixup, there, layers, store.native);
  if (different !== undefined) report("image-parts", `fixup/: ${different}`, "fixup");
  return true;
}

/** Whether an image is in the store, in whatever state. */
export function hasImage(store: Store, digest: string): boolean {
  return listDirectory(store.layout.image(digest)).length > 0;
}
