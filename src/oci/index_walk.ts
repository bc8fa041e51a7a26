/**
 * What the indexes of a layout lead to.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import { type Descriptor, parseIndex } from "./documents.ts";
import { type Files, readVerified } from "./files.ts";
import { findBlob } from "./image.ts";
import { kindOf } from "./media_types.ts";

/** Annotation of what buildx adds to an index beside the images (attestations). */
const ATTACHED = "vnd.docker.reference.type";
/** Levels of indexes within indexes, more than any builder makes. */
const MAX_DEPTH = 8;

/** A manifest that an index leads to. */
export interface Candidate {
  /** Of the manifest. */
  readonly descriptor: Descriptor;
  /** The entry of index.json that leads to it. */
  readonly top: Descriptor;
}

/** Whether an entry of an index can be an image at all: other kinds are passed over, as image-index.md wants it. */
export function isImage(descriptor: Descriptor): boolean {
  const kind = kindOf(descriptor.mediaType);
  return (kind === "manifest" || kind === "index" || kind === "schema1") &&
    descriptor.artifactType === undefined && descriptor.annotations[ATTACHED] === undefined &&
    descriptor.platform?.os !== "unknown";
}

/**
 * All images that entries of index.json lead to, each manifest once, in their order. Every index is read once, so that a circle comes to an end.
 *
 * @param only Of these, only what has this digest or lies below an index that has it.
 * @throws {LaminaError} `invalid` for indexes that are damaged, nested too deep or too many.
 */
export function collectImages(
  files: Files,
  entries: readonly Descriptor[],
  limits: Limits,
  only?: string,
): Candidate[] {
  const found = new Map<string, Candidate>();
  const seen = new Set<string>();
  let looked = 0;

  const refuse = (why: string): never => {
    throw new LaminaError("invalid", `reading ${files.subject}: ${why}`, {
      hint: "No builder makes such a layout: copy the one image into a layout of its own.",
    });
  };

  const visit = (
    descriptor: Descriptor,
    top: Descriptor,
    depth: number,
    selected: boolean,
  ): void => {
    if (++looked > limits.indexEntries) {
      const what = `its indexes have more than ${limits.indexEntries} entries`;
      throw limitError(`reading ${files.subject}`, what, "indexEntries", limits.indexEntries);
    }
    const chosen = selected || descriptor.digest === only;
    if (kindOf(descriptor.mediaType) !== "index") {
      if (chosen && !found.has(descriptor.digest) && isImage(descriptor)) {
        found.set(descriptor.digest, { descriptor, top });
      }
      return;
    }
    const key = `${descriptor.digest} ${chosen}`;
    if (seen.has(key)) return;
    seen.add(key);
    if (depth > MAX_DEPTH) refuse(`its indexes are nested more than ${MAX_DEPTH} deep`);
    const subject = `index ${descriptor.digest} of ${files.subject}`;
    const bytes = readVerified(
      findBlob(files, descriptor, "an index"),
      descriptor,
      subject,
      limits.documentBytes,
    );
    for (const entry of parseIndex(bytes, descriptor.mediaType, subject)) {
      visit(entry, top, depth + 1, chosen);
    }
  };

  for (const entry of entries) visit(entry, entry, 0, only === undefined);
  return [...found.values()];
}
