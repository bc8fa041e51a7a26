/**
 * An image as a source hands it out: its documents, verified, and where its layers lie.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError, type Limits } from "../limits.ts";
import type { LayerSource } from "../layer/mod.ts";
import { checkName } from "../store/names.ts";
import { type Config, type Descriptor, excerpt, type Manifest, parseConfig } from "./documents.ts";
import { type Extent, type Files, readVerified, wrongSize } from "./files.ts";
import { kindOf } from "./media_types.ts";
import { formatPlatform, type Platform } from "./platform.ts";

/** An image, found and checked; nothing of its layers is read yet. */
export interface ResolvedImage {
  /** Digest of {@link manifest}. */
  readonly digest: string;
  /** The manifest's bytes. */
  readonly manifest: Uint8Array;
  /** The config's bytes. */
  readonly config: Uint8Array;
  /** What the config says; undefined where it does not. */
  readonly platform: Platform | undefined;
  /** Lowest first. As many as the config has DiffIDs; each blob is there with the size that the manifest says. */
  readonly layers: readonly LayerSource[];
  /** Names that a person would expect the image to get, the best first. Valid as names in a store. */
  readonly names: readonly string[];
}

/** An image that a source has, for lists and for errors. */
export interface AvailableImage {
  /** What it is called there, if anything. */
  readonly name: string | undefined;
  /** Digest of its manifest; undefined in a docker archive, which has none. */
  readonly digest: string | undefined;
  /** What it runs on, where that is said without reading further. */
  readonly platform: Platform | undefined;
  /** What names it, for {@link parseReference}; by name where it has one. */
  readonly reference: string;
}

/** Where images come from. */
export interface ImageSource extends Disposable {
  /** What is there: an image that has several names under each of them. */
  list(): Promise<AvailableImage[]>;
  /**
   * Finds the image that the reference means, and checks its manifest and config.
   *
   * @param platform What it must run on; undefined: this host, where there is a choice.
   * @throws {LaminaError} `not-found`, `usage` when several are meant, `invalid` when it is damaged, `unsupported` when
   * it is something that cannot be composed.
   */
  resolve(platform?: Platform): Promise<ResolvedImage>;
}

/** The file that a digest names in a layout. Only a digest of known spelling becomes a path. */
export function blobPath(digest: string): string {
  const [algorithm, hex] = digest.split(":");
  return `blobs/${algorithm}/${hex}`;
}

/** The blob of a descriptor. */
export function findBlob(files: Files, descriptor: Descriptor, what: string): Extent {
  const subject = `reading ${what} of ${files.subject}`;
  const extent = files.find(blobPath(descriptor.digest));
  if (extent === undefined) {
    throw new LaminaError("not-found", `${subject}: ${blobPath(descriptor.digest)} is missing`, {
      hint: "The layout is not whole: copy the image into it again.",
    });
  }
  if (extent.length !== descriptor.size) {
    wrongSize(`${subject} (${descriptor.digest})`, extent.length, descriptor.size);
  }
  return extent;
}

/**
 * Checks that a manifest is that of an image which lamina can store.
 *
 * @throws {LaminaError} `unsupported` for artifacts, foreign and encrypted layers, and layers not named by sha256.
 */
export function checkManifest(manifest: Manifest, subject: string): void {
  if (kindOf(manifest.config.mediaType) !== "config") {
    throw new LaminaError(
      "unsupported",
      `${subject}: it is not an image but an artifact (its config is ${
        excerpt(manifest.config.mediaType)
      })`,
      { hint: "Name an image; an artifact has no root filesystem." },
    );
  }
  manifest.layers.forEach((layer, index) => {
    const kind = kindOf(layer.mediaType);
    const what = `${subject}: layer ${index + 1} (${layer.digest})`;
    if (kind === "layer") {
      if (layer.digest.startsWith("sha256:")) return;
      throw new LaminaError("unsupported", `${what} is not named by a sha256 digest`, {
        hint: "Copy the image with skopeo copy, which names layers by sha256.",
      });
    }
    if (kind === "foreign-layer") {
      throw new LaminaError(
        "unsupported",
        `${what} is a foreign layer (${excerpt(layer.mediaType)}): its content is elsewhere`,
        {
          hint: "Windows base images have such layers; they cannot be composed here.",
        },
      );
    }
    if (kind === "encrypted-layer") {
      throw new LaminaError("unsupported", `${what} is encrypted (${excerpt(layer.mediaType)})`, {
        hint: "Decrypt it first: skopeo copy --decryption-key KEY SOURCE oci:DIR:TAG",
      });
    }
    throw new LaminaError(
      "unsupported",
      `${what} has the media type ${excerpt(layer.mediaType)}, which is no layer's`,
      {
        hint: "Layers are tar archives, plain or compressed with gzip or zstd.",
      },
    );
  });
}

/** Reads the config that a manifest names. */
export function readConfig(
  files: Files,
  descriptor: Descriptor,
  limits: Limits,
): { bytes: Uint8Array; config: Config } {
  const extent = findBlob(files, descriptor, "the config");
  const subject = `config ${descriptor.digest} of ${files.subject}`;
  const bytes = readVerified(extent, descriptor, subject, limits.documentBytes);
  return { bytes, config: parseConfig(bytes, subject) };
}

/** Checks that there is one DiffID for each layer, and that there are not too many. */
export function checkLayerCount(
  layers: number,
  config: Config,
  subject: string,
  limits: Limits,
): void {
  if (layers > limits.layers) {
    throw limitError(subject, `it has ${layers} layers`, "layers", limits.layers);
  }
  if (layers !== config.diffIds.length) {
    throw new LaminaError(
      "invalid",
      `${subject}: it has ${layers} layers, its config has ${config.diffIds.length} diff_ids`,
      { hint: "The image was put together wrongly: build it again." },
    );
  }
}

/**
 * Checks that an image is for the platform that was asked for. Variants are not compared: many configs leave theirs out, and
 * the index that offered the image knows better.
 */
export function checkPlatform(
  wanted: Platform | undefined,
  found: Platform | undefined,
  subject: string,
): void {
  if (wanted === undefined || found === undefined) return;
  if (wanted.os !== found.os || wanted.architecture !== found.architecture) {
    throw new LaminaError(
      "not-found",
      `${subject}: the image is for ${formatPlatform(found)}, not for ${formatPlatform(wanted)}`,
      { hint: "Leave --platform out to take it as it is." },
    );
  }
}

/** Drops what cannot be a name in a store, and duplicates. */
export function usableNames(candidates: readonly string[]): string[] {
  return [...new Set(candidates)].filter((name) => {
    try {
      checkName(name);
      return true;
    } catch {
      return false;
    }
  });
}

/** A name made of a path's last component without the endings of archives, for an image that has no name of its own. */
export function nameFromPath(path: string): string {
  const last = path.replace(/\/+$/, "").split("/").pop() ?? "";
  const stem = last.replace(/\.tar$/i, "");
  const name = stem.replace(/[^A-Za-z0-9._-]+/g, "-").slice(0, 128)
    .replace(/^[^A-Za-z0-9]+|[^A-Za-z0-9]+$/g, "");
  return name === "" || /^sha(?:256|512)$/.test(name) ? "image" : name;
}

/** "a, b and c"; of very many, the first twenty. */
export function enumerate(items: readonly string[]): string {
  const first = items.slice(0, 20).map(excerpt);
  const shown = items.length > 20 ? [...first, `${items.length - 20} more`] : first;
  return shown.length < 2
    ? shown.join("")
    : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}
