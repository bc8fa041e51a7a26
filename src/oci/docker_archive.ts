/**
 * Images in archives that docker-save(1), podman-save(1), skopeo(1) and others write: manifest.json with a list of images, their configs, and their
 * layers as tar archives.
 *
 * Such an archive has no manifest in the sense of registries. The one made here for an image is, byte for byte, that which containers/image makes
 * (so the image has the digest that podman and skopeo show for it): Docker's schema 2, compact JSON, its keys in the order schemaVersion, mediaType,
 * config, layers, those of a descriptor in the order mediaType, size, digest; a layer's digest is its DiffID, its size that of the uncompressed
 * archive, its media type always Docker's `….tar.gzip`. Only where a layer in the archive is compressed (containerd's image store saves so) is this
 * different: then the layer has its own digest, size and media type.
 *
 * @module
 */

import { resolve as absolute } from "@std/path";
import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import type { LayerSource } from "../layer/mod.ts";
import { type Config, parseConfig } from "./documents.ts";
import { digestOf, type Extent, type Files, hashExtent, readDocument, readStart } from "./files.ts";
import {
  type AvailableImage,
  checkLayerCount,
  checkPlatform,
  enumerate,
  type ImageSource,
  nameFromPath,
  type ResolvedImage,
  usableNames,
} from "./image.ts";
import { DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST } from "./media_types.ts";
import type { Platform } from "./platform.ts";
import { type DockerArchiveReference, formatReference, fullName } from "./reference.ts";

/** An entry of manifest.json. */
interface SavedImage {
  readonly config: string;
  readonly tags: readonly string[];
  readonly layers: readonly string[];
}

/** A docker-save(1) archive. */
export class DockerArchiveSource implements ImageSource {
  readonly #files: Files;
  readonly #reference: DockerArchiveReference;
  readonly #limits: Limits;
  readonly #images: readonly SavedImage[];

  /** @throws {LaminaError} `unsupported` for what docker before 1.10 wrote, `invalid` for a damaged list. */
  constructor(files: Files, reference: DockerArchiveReference, limits: Limits) {
    this.#files = files;
    this.#reference = reference;
    this.#limits = limits;
    this.#images = readList(files, limits);
  }

  /** See {@link ImageSource.list}. */
  list(): Promise<AvailableImage[]> {
    return Promise.resolve().then(() =>
      this.#images.map((image, index) => ({
        name: image.tags[0],
        digest: undefined,
        platform: this.#config(image).config.platform,
        reference: formatReference({
          transport: "docker-archive",
          path: this.#reference.path,
          index,
        }),
      }))
    );
  }

  /** See {@link ImageSource.resolve}. */
  resolve(platform?: Platform): Promise<ResolvedImage> {
    return Promise.resolve().then(() => this.#load(this.#choose(), platform));
  }

  /** Nothing is held open between calls. */
  [Symbol.dispose](): void {}

  #choose(): SavedImage {
    const { path, name, index } = this.#reference;
    let found = this.#images;
    if (index !== undefined) found = found.slice(index, index + 1);
    else if (name !== undefined) {
      const wanted = fullName(name);
      found = found.filter((image) => image.tags.some((tag) => sameName(tag, wanted)));
    }
    if (found.length === 1) return found[0];
    const what = `finding the image in ${path}`;
    const there = this.#images.length === 0
      ? "nothing"
      : enumerate(this.#images.map((image, at) => image.tags[0] ?? `one without a name (@${at})`));
    if (found.length === 0) {
      const why = index !== undefined
        ? `there is none at position ${index}`
        : `none is called ${name}`;
      throw new LaminaError("not-found", `${what}: ${why}; it has ${there}`, {
        hint: `Name one of these, as docker-archive:${path}:NAME:TAG or docker-archive:${path}:@0.`,
      });
    }
    throw new LaminaError("usage", `${what}: several are meant; it has ${there}`, {
      hint: `Name one of these, as docker-archive:${path}:NAME:TAG or docker-archive:${path}:@0.`,
    });
  }

  #config(
    image: SavedImage,
  ): { bytes: Uint8Array; config: Config; subject: string; digest: string } {
    const subject = `config ${image.config} of ${this.#files.subject}`;
    const bytes = readDocument(this.#find(image.config), subject, this.#limits.documentBytes);
    const digest = digestOf(bytes);
    const named = digestInName(image.config);
    if (named !== undefined && named !== digest) {
      throw new LaminaError("invalid", `${subject}: its content has the digest ${digest}`, {
        hint: "The archive was damaged or changed after it was made: save the image again.",
      });
    }
    return { bytes, config: parseConfig(bytes, subject), subject, digest };
  }

  #find(name: string): Extent {
    const extent = this.#files.find(name);
    if (extent !== undefined) return extent;
    throw new LaminaError(
      "invalid",
      `reading ${this.#files.subject}: ${name} is missing, which manifest.json names`,
      {
        hint: "The archive is not whole: save the image again.",
      },
    );
  }

  #load(image: SavedImage, wanted: Platform | undefined): ResolvedImage {
    const { bytes: configBytes, config, subject, digest: configDigest } = this.#config(image);
    checkLayerCount(
      image.layers.length,
      config,
      `image ${image.tags[0] ?? image.config} of ${this.#files.subject}`,
      this.#limits,
    );
    checkPlatform(wanted, config.platform, subject);
    const layers = image.layers.map((name, index): LayerSource =>
      describeLayer(name, this.#find(name), config.diffIds[index])
    );
    const manifest = new TextEncoder().encode(JSON.stringify({
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: { mediaType: DOCKER_CONFIG, size: configBytes.length, digest: configDigest },
      layers: layers.map(({ mediaType, length, digest }) => ({
        mediaType: mediaType === DOCKER_LAYER ? `${DOCKER_LAYER}.gzip` : mediaType,
        size: length,
        digest,
      })),
    }));
    return {
      digest: digestOf(manifest),
      manifest,
      config: configBytes,
      platform: config.platform,
      layers,
      names: this.#names(image),
    };
  }

  #names(image: SavedImage): string[] {
    const { name, path } = this.#reference;
    const first = name === undefined
      ? []
      : image.tags.filter((tag) => sameName(tag, fullName(name)));
    return usableNames([...first, ...image.tags, nameFromPath(absolute(path))]);
  }
}

/** Whether a RepoTag is the image of this full name. */
function sameName(tag: string, wanted: string): boolean {
  try {
    return fullName(tag) === wanted;
  } catch {
    return tag === wanted;
  }
}

/** What a layer in the archive is: an uncompressed one is named by its DiffID, a compressed one by the digest of its bytes. */
function describeLayer(name: string, extent: Extent, diffId: string): LayerSource {
  const [first, second, third, fourth] = readStart(extent, 4);
  if (first === 0x1f && second === 0x8b) {
    return {
      ...extent,
      digest: digestInName(name) ?? hashExtent(extent),
      mediaType: `${DOCKER_LAYER}.gzip`,
      diffId,
    };
  }
  if (first === 0x28 && second === 0xb5 && third === 0x2f && fourth === 0xfd) {
    return {
      ...extent,
      digest: digestInName(name) ?? hashExtent(extent),
      mediaType: `${DOCKER_LAYER}.zstd`,
      diffId,
    };
  }
  return { ...extent, digest: diffId, mediaType: DOCKER_LAYER, diffId };
}

/** The digest of a content that is promised by its name: `blobs/sha256/<hex>` or, of a config, `<hex>.json`. */
function digestInName(name: string): string | undefined {
  const match = /^(?:blobs\/sha256\/([0-9a-f]{64})|([0-9a-f]{64})\.json)$/.exec(name);
  return match === null ? undefined : `sha256:${match[1] ?? match[2]}`;
}

/** Reads manifest.json. */
function readList(files: Files, limits: Limits): SavedImage[] {
  const extent = files.find("manifest.json");
  if (extent === undefined) {
    if (files.find("oci-layout") !== undefined) {
      throw new LaminaError(
        "usage",
        `opening ${files.subject}: it is an OCI layout, without the manifest.json of a docker archive`,
        {
          hint: `Use oci-archive:${files.subject}.`,
        },
      );
    }
    if (files.find("repositories") !== undefined) {
      throw new LaminaError(
        "unsupported",
        `opening ${files.subject}: it has no manifest.json; docker before 1.10 saved images so`,
        {
          hint: "Load it with docker or podman and save it again.",
        },
      );
    }
    throw new LaminaError(
      "invalid",
      `opening ${files.subject}: it has no manifest.json, so it is not a docker archive`,
      {
        hint:
          "Make one with docker save, podman save or skopeo copy SOURCE docker-archive:FILE:NAME:TAG.",
      },
    );
  }
  const subject = `manifest.json of ${files.subject}`;
  const bytes = readDocument(extent, subject, limits.documentBytes);
  const bad = (why: string): never => {
    throw new LaminaError("invalid", `${subject}: ${why}`, {
      hint: "The archive is damaged: save the image again.",
    });
  };
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    bad("it is not JSON");
  }
  if (!Array.isArray(list)) return bad("it is not a list");
  return list.map((entry): SavedImage => {
    const object = typeof entry === "object" && entry !== null
      ? entry as Record<string, unknown>
      : bad("an entry is not an object");
    const config = object["Config"];
    const tags = object["RepoTags"] ?? [];
    const layers = object["Layers"] ?? [];
    if (!isName(config) || config === "") return bad("an entry has no Config");
    if (!isNames(tags)) return bad("RepoTags is not a list of strings");
    if (!isNames(layers)) return bad("Layers is not a list of strings");
    return { config, tags, layers };
  });
}

/** Longest path or tag. */
const MAX_NAME = 4096;

/** Whether it is a string that can be a path or a tag. */
function isName(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_NAME;
}

function isNames(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isName);
}
