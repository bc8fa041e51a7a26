/**
 * The JSON documents of an image, read strictly: index, manifest, config. What comes out of here has the types and the
 * spelling that the specifications ask for; what a manifest must be beyond that to be an image is checked in `resolve.ts`.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { splitDigest } from "../store/digest.ts";
import { type Kind, kindOf } from "./media_types.ts";
import { normalizePlatform, type Platform } from "./platform.ts";

/** A descriptor as descriptor.md of the OCI image specification has it. */
export interface Descriptor {
  /** As the document has it; see {@link kindOf}. */
  readonly mediaType: string;
  /** Checked for its spelling: safe as a path. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** What an index says that it runs on; undefined where it does not say both OS and architecture. */
  readonly platform?: Platform;
  /** By key; empty for none. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Type of the artifact that it leads to, where that is not an image. */
  readonly artifactType?: string;
}

/** A manifest: what an image is made of. */
export interface Manifest {
  /** Where its config is. */
  readonly config: Descriptor;
  /** Lowest first. */
  readonly layers: readonly Descriptor[];
}

/** What of a config matters to its filesystem. */
export interface Config {
  /** Undefined where the config does not say both OS and architecture. */
  readonly platform: Platform | undefined;
  /** Digests of the uncompressed layers, lowest first: `sha256:…` each. */
  readonly diffIds: readonly string[];
}

/** A JSON object, its values not checked yet. */
export type Json = Record<string, unknown>;

function invalid(subject: string, why: string): never {
  throw new LaminaError("invalid", `${subject}: ${why}`, {
    hint: "The image is damaged or was made by a faulty tool: fetch or build it again.",
  });
}

/** Parses JSON whose top is an object. The message never quotes the input: it may be a file that the reader must not see. */
export function parseObject(bytes: Uint8Array, subject: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    invalid(subject, "it is not JSON");
  }
  return isObject(value) ? value : invalid(subject, "it is not a JSON object");
}

/** A string of a document as messages quote it: its beginning. */
export function excerpt(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(object: Json, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function optionalString(object: Json, key: string, subject: string): string | undefined {
  const value = own(object, key);
  if (value === undefined || value === null) return undefined;
  return typeof value === "string" ? value : invalid(subject, `${key} is not a string`);
}

/** Null counts as missing, as Go's encoder writes an empty slice. */
function list(object: Json, key: string, subject: string): readonly unknown[] {
  const value = own(object, key) ?? [];
  return Array.isArray(value) ? value : invalid(subject, `${key} is not a list`);
}

function parsePlatformObject(value: unknown, subject: string): Platform | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) invalid(subject, "platform is not an object");
  const os = optionalString(value, "os", subject);
  const architecture = optionalString(value, "architecture", subject);
  const variant = optionalString(value, "variant", subject);
  return os && architecture ? normalizePlatform(os, architecture, variant) : undefined;
}

/**
 * Reads a descriptor.
 *
 * @param subject What it stands in, for messages.
 */
export function parseDescriptor(value: unknown, subject: string): Descriptor {
  if (!isObject(value)) invalid(subject, "a descriptor is not an object");
  const mediaType = optionalString(value, "mediaType", subject);
  if (!mediaType) invalid(subject, "a descriptor has no mediaType");
  const digest = optionalString(value, "digest", subject);
  if (digest === undefined) invalid(subject, "a descriptor has no digest");
  checkDigest(digest, subject);
  const size = own(value, "size");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    invalid(subject, `the size of ${digest} is not a number of bytes`);
  }
  const annotations = annotationsOf(value, digest, subject);
  const platform = parsePlatformObject(own(value, "platform"), subject);
  const artifactType = optionalString(value, "artifactType", subject);
  return {
    mediaType,
    digest,
    size,
    annotations,
    ...(platform === undefined ? {} : { platform }),
    ...(artifactType ? { artifactType } : {}),
  };
}

/**
 * The annotations of a descriptor, a manifest or an index; empty for none.
 *
 * @param what Whose they are, for messages.
 * @throws {LaminaError} `invalid` where they are not strings.
 */
export function annotationsOf(
  value: unknown,
  what: string,
  subject: string,
): Record<string, string> {
  const annotations: Record<string, string> = {};
  const given = isObject(value) ? own(value, "annotations") : undefined;
  if (given === undefined || given === null) return annotations;
  if (!isObject(given)) invalid(subject, `the annotations of ${what} are not an object`);
  for (const key of Object.keys(given)) {
    const text = given[key];
    if (typeof text !== "string") {
      invalid(subject, `annotation ${excerpt(key)} of ${what} is not a string`);
    }
    annotations[key] = text;
  }
  return annotations;
}

function checkDigest(digest: string, subject: string): void {
  try {
    splitDigest(digest);
  } catch (cause) {
    throw new LaminaError("invalid", `${subject}: ${(cause as Error).message}`, {
      cause,
      hint: (cause as LaminaError).hint,
    });
  }
}

/**
 * Checks what a document says of itself against what its descriptor says of it, and that it cannot be read as two things
 * (CVE-2021-41190: one digest, two meanings).
 */
function checkType(object: Json, mediaType: string | undefined, kind: Kind, subject: string): void {
  const version = own(object, "schemaVersion");
  if (version === 1) {
    throw new LaminaError("unsupported", `${subject}: it is a manifest of Docker's schema 1`, {
      hint: "Convert the image: skopeo copy --format oci SOURCE oci:DIR:TAG",
    });
  }
  if (version !== 2) invalid(subject, "schemaVersion is not 2");
  const said = optionalString(object, "mediaType", subject);
  if (said && mediaType !== undefined && said !== mediaType) {
    invalid(
      subject,
      `it says that it is ${excerpt(said)}, its descriptor says ${excerpt(mediaType)}`,
    );
  }
  if (said && kindOf(said) !== kind) {
    invalid(subject, `it says that it is ${excerpt(said)}, not an ${kind}`);
  }
  const foreign = kind === "index" ? ["layers", "config", "fsLayers"] : ["manifests", "fsLayers"];
  for (const key of foreign) {
    if (own(object, key) !== undefined) {
      invalid(
        subject,
        `it has ${key}, which an ${kind} must not have: it could be taken for something else`,
      );
    }
  }
}

/**
 * Reads an index.
 *
 * @param mediaType What its descriptor says; undefined for a layout's index.json, which has none.
 */
export function parseIndex(
  bytes: Uint8Array,
  mediaType: string | undefined,
  subject: string,
): Descriptor[] {
  const object = parseObject(bytes, subject);
  checkType(object, mediaType, "index", subject);
  return list(object, "manifests", subject).map((value) => parseDescriptor(value, subject));
}

/** Reads a manifest whose descriptor says `mediaType`. */
export function parseManifest(bytes: Uint8Array, mediaType: string, subject: string): Manifest {
  const object = parseObject(bytes, subject);
  checkType(object, mediaType, "manifest", subject);
  const config = parseDescriptor(own(object, "config"), `${subject}: config`);
  const layers = list(object, "layers", subject).map((value, index) =>
    parseDescriptor(value, `${subject}: layer ${index + 1}`)
  );
  return { config, layers };
}

/** Reads a config. */
export function parseConfig(bytes: Uint8Array, subject: string): Config {
  const object = parseObject(bytes, subject);
  const rootfs = own(object, "rootfs");
  if (!isObject(rootfs)) invalid(subject, "it has no rootfs, so it is not the config of an image");
  const type = own(rootfs, "type");
  if (type !== "layers") invalid(subject, "the type of its rootfs is not layers");
  const diffIds = list(rootfs, "diff_ids", subject).map((value) => {
    if (typeof value !== "string") invalid(subject, "a diff_id is not a string");
    checkDigest(value, subject);
    if (!value.startsWith("sha256:")) {
      throw new LaminaError(
        "unsupported",
        `${subject}: diff_id ${value.slice(0, 20)}… is not of sha256`,
        {
          hint: "Build the image with sha256 DiffIDs, which is what all builders make.",
        },
      );
    }
    return value;
  });
  return { platform: parsePlatformObject(object, subject), diffIds };
}
