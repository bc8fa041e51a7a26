/**
 * Images in the OCI image layout, a directory or an archive of one (image-layout.md of the OCI image specification).
 *
 * @module
 */

import { resolve as absolute } from "@std/path";
import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import type { LayerSource } from "../layer/mod.ts";
import { type Descriptor, parseIndex, parseManifest, parseObject } from "./documents.ts";
import { type Extent, type Files, readDocument, readVerified } from "./files.ts";
import {
  type AvailableImage,
  checkLayerCount,
  checkManifest,
  checkPlatform,
  enumerate,
  findBlob,
  type ImageSource,
  nameFromPath,
  readConfig,
  type ResolvedImage,
  usableNames,
} from "./image.ts";
import { type Candidate, collectImages, isImage } from "./index_walk.ts";
import { kindOf } from "./media_types.ts";
import { formatPlatform, hostPlatform, type Platform, platformDistance } from "./platform.ts";
import { formatReference, type LayoutReference } from "./reference.ts";

/** Annotation with an image's name in its layout. */
const REF_NAME = "org.opencontainers.image.ref.name";
/** Annotation with an image's full name, as containerd and docker-save(1) write it. */
const CONTAINERD_NAME = "io.containerd.image.name";

/** A layout, or another store of blobs by digest. */
export class LayoutSource implements ImageSource {
  readonly #files: Files;
  readonly #reference: LayoutReference;
  readonly #limits: Limits;
  readonly #index: () => readonly Descriptor[];

  /**
   * @param index What is in it; without it: what its index.json says.
   * @throws {LaminaError} `not-found` where there is no layout, `unsupported` for a layout of another version.
   */
  constructor(
    files: Files,
    reference: LayoutReference,
    limits: Limits,
    index?: () => readonly Descriptor[],
  ) {
    this.#files = files;
    this.#reference = reference;
    this.#limits = limits;
    this.#index = index ?? (() => this.#readIndex());
    if (index === undefined) checkLayout(files, limits);
  }

  /** See {@link ImageSource.list}. */
  list(): Promise<AvailableImage[]> {
    return Promise.resolve().then(() =>
      // Entry by entry: an image may be there under several names.
      this.#index().flatMap((entry) =>
        collectImages(this.#files, [entry], this.#limits).map(({ descriptor }) => {
          const { digest, platform } = descriptor;
          const name = entry.annotations[REF_NAME];
          return { name, digest, platform, reference: this.#referenceTo(name, digest) };
        })
      )
    );
  }

  /** See {@link ImageSource.resolve}. */
  resolve(platform?: Platform): Promise<ResolvedImage> {
    return Promise.resolve().then(() => this.#load(this.#choose(platform), platform));
  }

  /** By name, which of an index means the image for this host; without one by digest. */
  #referenceTo(tag: string | undefined, digest: string): string {
    const { transport, path } = this.#reference;
    return formatReference({ transport, path, ...(tag === undefined ? { digest } : { tag }) });
  }

  /** Nothing is held open between calls. */
  [Symbol.dispose](): void {}

  #readIndex(): Descriptor[] {
    const subject = `index.json of ${this.#files.subject}`;
    const extent = this.#files.find("index.json");
    if (extent === undefined) {
      throw new LaminaError("invalid", `reading ${this.#files.subject}: index.json is missing`, {
        hint: "The layout is not whole: copy the image into it again.",
      });
    }
    return parseIndex(
      readDocument(extent, subject, this.#limits.documentBytes),
      undefined,
      subject,
    );
  }

  /** The entries of index.json that the reference means. */
  #meant(index: readonly Descriptor[]): readonly Descriptor[] {
    const { tag, digest, index: position } = this.#reference;
    if (position !== undefined) {
      const entry = index[position];
      return entry === undefined
        ? this.#none(index, `there is no image at position ${position}`)
        : [entry];
    }
    if (tag !== undefined) {
      const named = index.filter(({ annotations }) =>
        annotations[REF_NAME] === tag || annotations[CONTAINERD_NAME] === tag
      );
      return named.length > 0 ? named : this.#none(index, `no image is called ${tag}`);
    }
    if (digest === undefined) {
      const distinct = new Set(
        index.filter(isImage).map((entry) => entry.annotations[REF_NAME] ?? ""),
      );
      if (distinct.size > 1) this.#several(index);
    }
    return index;
  }

  /** The one manifest that the reference means, for the platform. */
  #choose(platform: Platform | undefined): Candidate {
    const index = this.#index();
    const { digest } = this.#reference;
    let candidates = collectImages(this.#files, this.#meant(index), this.#limits, digest);
    if (candidates.length === 0) {
      this.#none(index, digest === undefined ? "there is no image" : `there is no image ${digest}`);
    }
    // What was named itself is taken as it is; of what an index offers, what runs here.
    const direct = candidates.every(({ descriptor, top }) =>
      descriptor === top || descriptor.digest === digest
    );
    if (candidates.length === 1 && direct && platform === undefined) return candidates[0];

    const wanted = platform ?? hostPlatform();
    let best = Infinity;
    const offers = candidates.map((candidate) => {
      const offered = candidate.descriptor.platform ?? this.#platformOf(candidate.descriptor);
      const distance = offered === undefined ? undefined : platformDistance(wanted, offered);
      if (distance !== undefined && distance < best) best = distance;
      return { candidate, distance, offered };
    });
    if (best === Infinity) {
      const there = offers.map(({ offered }) =>
        offered === undefined ? "unknown" : formatPlatform(offered)
      );
      throw new LaminaError(
        "not-found",
        `finding an image for ${formatPlatform(wanted)} in ${this.#files.subject}: it has ${
          enumerate([...new Set(there)])
        }`,
        { hint: "Choose one of these with --platform." },
      );
    }
    candidates = offers.filter(({ distance }) => distance === best).map(({ candidate }) =>
      candidate
    );
    if (candidates.length > 1) this.#several(candidates.map(({ descriptor }) => descriptor));
    return candidates[0];
  }

  /** The platform that a manifest's config says, for an index that does not. */
  #platformOf(descriptor: Descriptor): Platform | undefined {
    const { manifest } = this.#readManifest(descriptor);
    return readConfig(this.#files, manifest.config, this.#limits).config.platform;
  }

  #readManifest(descriptor: Descriptor) {
    const subject = `manifest ${descriptor.digest} of ${this.#files.subject}`;
    if (kindOf(descriptor.mediaType) === "schema1") {
      throw new LaminaError("unsupported", `${subject}: it is a manifest of Docker's schema 1`, {
        hint: "Convert the image: skopeo copy --format oci SOURCE oci:DIR:TAG",
      });
    }
    const extent = findBlob(this.#files, descriptor, "the manifest");
    const bytes = readVerified(extent, descriptor, subject, this.#limits.documentBytes);
    const manifest = parseManifest(bytes, descriptor.mediaType, subject);
    checkManifest(manifest, subject);
    return { bytes, manifest, subject };
  }

  #load({ descriptor, top }: Candidate, platform: Platform | undefined): ResolvedImage {
    const { bytes, manifest, subject } = this.#readManifest(descriptor);
    const { bytes: config, config: { platform: found, diffIds } } = readConfig(
      this.#files,
      manifest.config,
      this.#limits,
    );
    checkLayerCount(manifest.layers.length, { platform: found, diffIds }, subject, this.#limits);
    checkPlatform(platform, found, subject);
    const layers = manifest.layers.map((layer, index): LayerSource => {
      const extent = findBlob(this.#files, layer, `layer ${index + 1}`);
      return toLayerSource(extent, layer, diffIds[index]);
    });
    return {
      digest: descriptor.digest,
      manifest: bytes,
      config,
      platform: found,
      layers,
      names: this.#names(top),
    };
  }

  #names(top: Descriptor): string[] {
    const { transport, path, tag } = this.#reference;
    const full = top.annotations[CONTAINERD_NAME];
    return usableNames([
      ...(tag === undefined ? [] : [tag]),
      // Only what docker-save(1) and containerd write; a bare ref.name is often just "latest".
      ...(transport === "oci-archive" && full !== undefined ? [full] : []),
      ...(transport === "containerd" ? [] : [nameFromPath(absolute(path))]),
    ]);
  }

  #none(index: readonly Descriptor[], why: string): never {
    const there = this.#describe(index);
    throw new LaminaError(
      "not-found",
      `finding the image in ${this.#files.subject}: ${why}; it has ${there}`,
      {
        hint: `Name one of these, as ${this.#reference.transport}:${this.#reference.path}:TAG.`,
      },
    );
  }

  #several(entries: readonly Descriptor[]): never {
    const { transport, path } = this.#reference;
    throw new LaminaError(
      "usage",
      `finding the image in ${this.#files.subject}: several are meant; it has ${
        this.#describe(entries)
      }`,
      { hint: `Name one of these, as ${transport}:${path}:TAG or ${transport}:${path}@DIGEST.` },
    );
  }

  #describe(entries: readonly Descriptor[]): string {
    if (entries.length === 0) return "nothing";
    return enumerate(entries.map((entry) => {
      const platform = entry.platform === undefined ? "" : ` (${formatPlatform(entry.platform)})`;
      return `${entry.annotations[REF_NAME] ?? entry.digest}${platform}`;
    }));
  }
}

function toLayerSource(extent: Extent, layer: Descriptor, diffId: string): LayerSource {
  return { ...extent, digest: layer.digest, mediaType: layer.mediaType, diffId };
}

/** Checks the file that says that this is a layout, and of which version. */
function checkLayout(files: Files, limits: Limits): void {
  const extent = files.find("oci-layout");
  if (extent === undefined) {
    const docker = files.find("manifest.json") !== undefined;
    throw new LaminaError(
      "not-found",
      `opening ${files.subject}: it is not an OCI layout (it has no file oci-layout)`,
      {
        hint: docker
          ? "It looks like what docker save writes: use docker-archive:FILE."
          : "Make one with skopeo copy SOURCE oci:DIR:TAG.",
      },
    );
  }
  const subject = `oci-layout of ${files.subject}`;
  const version =
    parseObject(readDocument(extent, subject, limits.documentBytes), subject)["imageLayoutVersion"];
  if (typeof version !== "string" || !/^1\.[0-9]+\.[0-9]+$/.test(version)) {
    throw new LaminaError(
      "unsupported",
      `opening ${files.subject}: its layout has the version ${
        typeof version === "string" ? JSON.stringify(version.slice(0, 40)) : "that is missing"
      }, known is 1.x`,
      { hint: "Copy the image with skopeo copy, which writes version 1.0.0." },
    );
  }
}
