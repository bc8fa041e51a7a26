/**
 * Images of containerd, which keeps manifests, configs and layers as blobs by digest (docs/content-flow.md), like a layout, and their names in a
 * database (core/metadata/buckets.go).
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import { type Bucket, readBolt } from "./bolt.ts";
import { type Descriptor, excerpt, parseDescriptor, parseObject } from "./documents.ts";
import { DirectoryFiles, type Extent, type Files, readDocument, statIfThere } from "./files.ts";
import { blobPath } from "./image.ts";
import { OCI_INDEX, OCI_MANIFEST } from "./media_types.ts";
import type { LayoutReference } from "./reference.ts";

/** Where containerd keeps its things when it is not configured otherwise. */
export const CONTAINERD_ROOT = "/var/lib/containerd";

/** Annotation that an image's name is handed on as. */
const REF_NAME = "org.opencontainers.image.ref.name";

/** The blobs of containerd's content store, under the names that they would have in a layout. */
export class ContainerdFiles implements Files {
  readonly subject: string;
  readonly #content: DirectoryFiles;

  /**
   * @param root containerd's own `root`.
   * @throws {LaminaError} `not-found` where there is no content store.
   */
  constructor(root: string) {
    const content = `${root}/io.containerd.content.v1.content`;
    if (!statIfThere(`${content}/blobs`)?.isDirectory) {
      throw new LaminaError(
        "not-found",
        `opening containerd's store ${root}: it has no ${content}/blobs`,
        { hint: "Name the directory that containerd config dump calls root." },
      );
    }
    this.subject = `containerd's store ${root}`;
    this.#content = new DirectoryFiles(content);
  }

  /** See {@link Files.find}. */
  find(name: string): Extent | undefined {
    return this.#content.find(name);
  }
}

/**
 * What a reference may mean: the blob of its digest, else all images that have a name, in any namespace.
 *
 * @throws {LaminaError} `not-found` where the blob is missing, `invalid` for a damaged database.
 */
export function containerdImages(
  files: Files,
  { path, digest }: LayoutReference,
  limits: Limits,
): Descriptor[] {
  if (digest !== undefined) return [describeBlob(files, digest, limits)];
  const database = `${path}/io.containerd.metadata.v1.bolt/meta.db`;
  if (statIfThere(database) === undefined) return [];
  const images: Descriptor[] = [];
  for (const namespace of at(readBolt(database), "v1")?.buckets().values() ?? []) {
    for (const [name, image] of at(namespace, "images")?.buckets() ?? []) {
      const target = at(image, "target")?.values();
      if (target === undefined) continue;
      const text = (key: string) => new TextDecoder().decode(target.get(key));
      const subject = `image ${excerpt(name)} of ${files.subject}`;
      images.push(parseDescriptor({
        mediaType: text("mediatype"),
        digest: text("digest"),
        size: varint(target.get("size")),
        annotations: { [REF_NAME]: name },
      }, subject));
    }
  }
  return images;
}

function at(bucket: Bucket, key: string): Bucket | undefined {
  return bucket.buckets().get(key);
}

/** A blob's descriptor, of what the blob says itself. What it is worth its digest tells, when it is read. */
function describeBlob(files: Files, digest: string, limits: Limits): Descriptor {
  const extent = files.find(blobPath(digest));
  const subject = `${digest} of ${files.subject}`;
  if (extent === undefined) {
    throw new LaminaError("not-found", `reading ${subject}: there is no such blob`, {
      hint: "ctr --namespace NAMESPACE images ls shows the digests of images.",
    });
  }
  const object = parseObject(readDocument(extent, subject, limits.documentBytes), subject);
  const said = object.mediaType;
  const mediaType = typeof said === "string"
    ? said
    : Array.isArray(object.manifests)
    ? OCI_INDEX
    : OCI_MANIFEST;
  return { mediaType, digest, size: extent.length, annotations: {} };
}

/** A number as Go's encoding/binary writes it with PutVarint: zigzag, 7 bits a byte, the lowest first. */
function varint(bytes: Uint8Array | undefined): number {
  let value = 0;
  let factor = 1;
  for (const byte of bytes ?? []) {
    value += (byte & 0x7f) * factor;
    factor *= 128;
  }
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}
