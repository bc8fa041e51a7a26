/**
 * The smallest OCI layout that an image can be pulled from.
 *
 * @module
 */

import { createHash } from "node:crypto";

const OCI = "application/vnd.oci.image";

/** Writes an OCI layout with one image, of uncompressed layers, into a directory, which is made. */
export function writeLayout(
  path: string,
  name: string,
  layers: readonly Uint8Array[],
): void {
  Deno.mkdirSync(`${path}/blobs/sha256`, { recursive: true });
  const blob = (mediaType: string, bytes: Uint8Array) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    Deno.writeFileSync(`${path}/blobs/sha256/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const tars = layers.map((tar) => blob(`${OCI}.layer.v1.tar`, tar));
  const config = blob(
    `${OCI}.config.v1+json`,
    json({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: tars.map(({ digest }) => digest) },
    }),
  );
  const mediaType = `${OCI}.manifest.v1+json`;
  const manifest = blob(mediaType, json({ schemaVersion: 2, mediaType, config, layers: tars }));
  const annotations = { "org.opencontainers.image.ref.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  Deno.writeFileSync(`${path}/index.json`, json(index));
  Deno.writeFileSync(`${path}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
