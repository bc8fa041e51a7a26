/**
 * Media types of the documents and blobs of images: those of the OCI image specification (media-types.md) and of Docker's
 * image manifest version 2, schema 2.
 *
 * @module
 */

/** `application/vnd.oci.image.manifest.v1+json`. */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** `application/vnd.oci.image.index.v1+json`. */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** `application/vnd.oci.image.config.v1+json`. */
export const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
/** Prefix of the media types of OCI layers; `+gzip` or `+zstd` may follow. */
export const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
/** Docker's manifest, schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** Docker's form of an index. */
export const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
/** Docker's form of a config. */
export const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
/** Docker's layer; `.gzip` or `.zstd` may follow. */
export const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar";

/** What a document or blob is, by its media type. */
export type Kind =
  | "manifest"
  | "index"
  | "config"
  | "layer"
  /** A layer that may not be distributed; its bytes are somewhere else. */
  | "foreign-layer"
  /** A layer encrypted as ocicrypt does it. */
  | "encrypted-layer"
  /** Docker's manifest of schema 1. */
  | "schema1"
  | "other";

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  [OCI_MANIFEST, "manifest"],
  [DOCKER_MANIFEST, "manifest"],
  [OCI_INDEX, "index"],
  [DOCKER_INDEX, "index"],
  [OCI_CONFIG, "config"],
  [DOCKER_CONFIG, "config"],
  [OCI_LAYER, "layer"],
  [`${OCI_LAYER}+gzip`, "layer"],
  [`${OCI_LAYER}+zstd`, "layer"],
  [DOCKER_LAYER, "layer"],
  [`${DOCKER_LAYER}.gzip`, "layer"],
  [`${DOCKER_LAYER}.zstd`, "layer"],
  ["application/vnd.docker.distribution.manifest.v1+json", "schema1"],
  ["application/vnd.docker.distribution.manifest.v1+prettyjws", "schema1"],
]);

/** Layers that are to be fetched from elsewhere, of either family. */
const FOREIGN =
  /^application\/vnd\.(?:oci\.image\.layer\.nondistributable\.v1\.tar(?:\+gzip|\+zstd)?|docker\.image\.rootfs\.foreign\.diff\.tar(?:\.gzip|\.zstd)?)$/;

/** Tells what a media type stands for. */
export function kindOf(mediaType: string): Kind {
  const kind = KINDS.get(mediaType);
  if (kind !== undefined) return kind;
  if (mediaType.endsWith("+encrypted")) return "encrypted-layer";
  return FOREIGN.test(mediaType) ? "foreign-layer" : "other";
}
