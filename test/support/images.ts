/**
 * Images for tests: OCI layouts, archives of them, and docker-save archives, out of layers made by `tar.ts` or of directories.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { file, makeTar, symlink, type TarPiece } from "./tar.ts";

/** A descriptor (OCI image specification, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly [key: string]: unknown;
}

/** How layers are compressed. */
export type Compression = "gzip" | "zstd" | "none";

/** An image to be written. */
export interface ImageSpec {
  /** `org.opencontainers.image.ref.name`; in a docker archive the RepoTag. */
  readonly name?: string;
  /** Tar archives, lowest first: bytes, or the path of a file. */
  readonly layers: readonly (Uint8Array | string)[];
  /** `config` of the config: Cmd, Env and so on. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Default: gzip. In a docker archive: none. */
  readonly compression?: Compression;
  /** `OS/ARCH[/VARIANT]`; default linux/amd64. */
  readonly platform?: string;
  /** Media types of Docker's schema 2 instead of OCI's. */
  readonly docker?: boolean;
}

/** An image that was written. */
export interface WrittenImage {
  readonly name: string | undefined;
  /** Digest of the manifest. */
  readonly digest: string;
  readonly configDigest: string;
  readonly diffIds: readonly string[];
  /** Layer blobs, lowest first. */
  readonly layers: readonly Descriptor[];
}

const OCI = "application/vnd.oci.image";
const DOCKER = "application/vnd.docker";

/** `sha256:…` of bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** JSON as bytes. */
export function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Compresses at the fastest level. */
export function compress(bytes: Uint8Array, compression: Compression): Uint8Array {
  if (compression === "gzip") return new Uint8Array(gzipSync(bytes, { level: 1 }));
  return compression === "zstd" ? new Uint8Array(zstdCompressSync(bytes)) : bytes;
}

/** A layout that is being made, document by document: whatever is put is written, right or wrong. */
export class LayoutBuilder {
  /** Files by path in the layout. */
  readonly files = new Map<string, Uint8Array>();

  constructor() {
    this.files.set("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  }

  /** Adds a blob. */
  blob(
    bytes: Uint8Array,
    mediaType: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Descriptor {
    const digest = sha256(bytes);
    this.files.set(`blobs/sha256/${digest.slice(7)}`, bytes);
    return { mediaType, digest, size: bytes.length, ...more };
  }

  /** Adds a JSON document. */
  document(
    value: unknown,
    mediaType: string,
    more: Readonly<Record<string, unknown>> = {},
  ): Descriptor {
    return this.blob(json(value), mediaType, more);
  }

  /** Adds an image; its descriptor is not in an index yet. */
  image(spec: ImageSpec): { descriptor: Descriptor; image: WrittenImage } {
    const { manifest, config, layers, diffIds } = this.#parts(spec);
    const [os, architecture, variant] = (spec.platform ?? "linux/amd64").split("/");
    const descriptor = this.document(manifest, manifest.mediaType, {
      ...(spec.name === undefined
        ? {}
        : { annotations: { "org.opencontainers.image.ref.name": spec.name } }),
      ...(spec.platform === undefined
        ? {}
        : { platform: { os, architecture, ...(variant ? { variant } : {}) } }),
    });
    const image = {
      name: spec.name,
      digest: descriptor.digest,
      configDigest: config.digest,
      diffIds,
      layers,
    };
    return { descriptor, image };
  }

  /** Adds an index; its descriptor is not in index.json yet. */
  index(
    manifests: readonly Descriptor[],
    more: Readonly<Record<string, unknown>> = {},
  ): Descriptor {
    const mediaType = `${OCI}.index.v1+json`;
    return this.document({ schemaVersion: 2, mediaType, manifests }, mediaType, more);
  }

  /** Sets index.json. */
  top(manifests: readonly Descriptor[]): this {
    this.files.set("index.json", json({ schemaVersion: 2, manifests }));
    return this;
  }

  /** Writes the layout into a directory, which is made. */
  async writeDirectory(path: string): Promise<void> {
    await Deno.mkdir(`${path}/blobs/sha256`, { recursive: true });
    for (const [name, bytes] of this.files) await Deno.writeFile(`${path}/${name}`, bytes);
  }

  /** Writes the layout as a tar archive. */
  async writeArchive(path: string): Promise<void> {
    await Deno.writeFile(path, makeTar([...this.files].map(([name, bytes]) => file(name, bytes))));
  }

  #parts(spec: ImageSpec) {
    const compression = spec.compression ?? "gzip";
    const diffIds: string[] = [];
    const layers = spec.layers.map((layer) => {
      const tar = typeof layer === "string" ? Deno.readFileSync(layer) : layer;
      diffIds.push(sha256(tar));
      return this.blob(compress(tar, compression), layerType(compression, spec.docker ?? false));
    });
    const config = this.blob(
      makeConfig(spec, diffIds),
      spec.docker ? `${DOCKER}.container.image.v1+json` : `${OCI}.config.v1+json`,
    );
    const mediaType = spec.docker
      ? `${DOCKER}.distribution.manifest.v2+json`
      : `${OCI}.manifest.v1+json`;
    return { manifest: { schemaVersion: 2, mediaType, config, layers }, config, layers, diffIds };
  }
}

function layerType(compression: Compression, docker: boolean): string {
  if (docker) {
    return `${DOCKER}.image.rootfs.diff.tar${compression === "none" ? "" : `.${compression}`}`;
  }
  return `${OCI}.layer.v1.tar${compression === "none" ? "" : `+${compression}`}`;
}

/** A config with the DiffIDs of its layers. */
export function makeConfig(spec: ImageSpec, diffIds: readonly string[]): Uint8Array {
  const [os, architecture, variant] = (spec.platform ?? "linux/amd64").split("/");
  return json({
    created: "2024-01-01T00:00:00Z",
    architecture,
    os,
    ...(variant ? { variant } : {}),
    config: spec.config ?? {},
    rootfs: { type: "layers", diff_ids: diffIds },
    history: diffIds.map(() => ({ created: "2024-01-01T00:00:00Z", created_by: "test" })),
  });
}

function buildLayout(
  images: readonly ImageSpec[],
): { layout: LayoutBuilder; written: WrittenImage[] } {
  const layout = new LayoutBuilder();
  const built = images.map((spec) => layout.image(spec));
  layout.top(built.map(({ descriptor }) => descriptor));
  return { layout, written: built.map(({ image }) => image) };
}

/** Writes an OCI layout into a directory, which is made. Layers that images share are stored once. */
export async function writeOciLayout(
  path: string,
  images: readonly ImageSpec[],
): Promise<WrittenImage[]> {
  const { layout, written } = buildLayout(images);
  await layout.writeDirectory(path);
  return written;
}

/** Writes a tar archive of an OCI layout. */
export async function writeOciArchive(
  path: string,
  images: readonly ImageSpec[],
): Promise<WrittenImage[]> {
  const { layout, written } = buildLayout(images);
  await layout.writeArchive(path);
  return written;
}

/**
 * Writes a docker-save archive.
 *
 * @param style `flat`: as skopeo and podman write it; `directories`: as docker before 25, one directory for each layer, in which a layer that was there
 * before is a symbolic link; `oci`: as docker from 25 on, at once an OCI layout.
 */
export async function writeDockerArchive(
  path: string,
  images: readonly ImageSpec[],
  style: "flat" | "directories" | "oci" = "directories",
): Promise<void> {
  const members = new Map<string, TarPiece>();
  const list = images.map((spec, position) => {
    const tars = spec.layers.map((layer) =>
      typeof layer === "string" ? Deno.readFileSync(layer) : layer
    );
    const config = makeConfig(spec, tars.map(sha256));
    const configName = style === "oci"
      ? `blobs/sha256/${sha256(config).slice(7)}`
      : `${sha256(config).slice(7)}.json`;
    members.set(configName, file(configName, config));
    const seen = new Map<string, string>();
    const layers = tars.map((tar, index) => {
      const hex = sha256(tar).slice(7);
      const body = compress(tar, spec.compression ?? "none");
      if (style === "directories") {
        const id = sha256(json([position, index, hex])).slice(7);
        const name = `${id}/layer.tar`;
        const before = seen.get(hex);
        members.set(name, before === undefined ? file(name, body) : symlink(name, `../${before}`));
        if (before === undefined) seen.set(hex, name);
        return name;
      }
      const name = style === "oci" ? `blobs/sha256/${sha256(body).slice(7)}` : `${hex}.tar`;
      members.set(name, file(name, body));
      return name;
    });
    return {
      Config: configName,
      RepoTags: spec.name === undefined ? null : [spec.name],
      Layers: layers,
    };
  });
  if (style === "oci") {
    const { layout } = buildLayout(images.map((spec) => ({ compression: "none", ...spec })));
    for (const [name, bytes] of layout.files) members.set(name, file(name, bytes));
  }
  members.set("manifest.json", file("manifest.json", json(list)));
  await Deno.writeFile(path, makeTar([...members.values()]));
}
