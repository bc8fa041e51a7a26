/**
 * The digests that a tree goes by.
 *
 * @module
 */

import { erofsFormat, readErofs } from "./erofs_reader.ts";
import { type ErofsFormat, writeErofs } from "./erofs_writer.ts";
import { normalizeOci } from "./normalize.ts";
import { toHex } from "./digest.ts";
import { fsVerityDigest } from "./verity.ts";

/** What of a tree is digested. `plain`: exactly what the layers say; `oci-v1`: what {@link normalizeOci} makes of it. */
export type Profile = "plain" | "oci-v1";

/** A tree's digest, and which of its forms it is the digest of. */
export interface TreeDigest {
  /** fs-verity SHA-256 digest of the composefs image: 64 hex digits. */
  readonly digest: string;
  /** See {@link Profile}. */
  readonly profile: Profile;
  /** The format version of that image. */
  readonly format: "v0" | "v1";
}

/**
 * The digest of the tree in a composefs image.
 *
 * @param options `format`: undefined for that of the image itself, or of the profile (`v1` for `oci-v1`); so the digest of an image as it is
 * is that of its file.
 * @throws LaminaError (invalid) for what is no such image.
 */
export function treeDigest(
  image: Uint8Array,
  options: { readonly profile?: Profile; readonly format?: ErofsFormat } = {},
): TreeDigest {
  const { profile = "plain", format } = options;
  const tree = readErofs(image);
  if (profile === "plain" && format === undefined) {
    return { digest: toHex(fsVerityDigest(image)), profile, format: erofsFormat(image) };
  }
  const normal = profile === "oci-v1" ? normalizeOci(tree) : tree;
  const written = writeErofs(normal, { format: format ?? "v1" });
  return { digest: toHex(fsVerityDigest(written)), profile, format: erofsFormat(written) };
}
