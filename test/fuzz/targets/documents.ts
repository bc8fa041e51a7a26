/**
 * The documents of images: index, manifest, config, and the promises of sealed images.
 *
 * @module
 */

import {
  parseConfig,
  parseDescriptor,
  parseIndex,
  parseManifest,
  parseObject,
} from "../../../src/oci/documents.ts";
import { checkManifest } from "../../../src/oci/image.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media_types.ts";
import { sealedDigests } from "../../../src/oci/sealed.ts";
import { splitDigest } from "../../../src/store/digest.ts";
import { json, LayoutBuilder, makeConfig } from "../../support/images.ts";
import { makeTar } from "../../support/tar.ts";
import { orRefused, type Target } from "../target.ts";
import { mutateJson } from "./json.ts";

const SEALED = "composefs.merged.erofs.v1.fsverity-sha256-12";

function starts(): Uint8Array[] {
  const layout = new LayoutBuilder();
  const { descriptor } = layout.image({
    name: "a",
    platform: "linux/arm/v7",
    layers: [makeTar([]), makeTar([])],
  });
  layout.top([descriptor, layout.index([descriptor])]);
  const documents = [...layout.files.values()].filter((bytes) => bytes[0] === 0x7b);
  const manifest = JSON.parse(new TextDecoder().decode(
    documents.find((bytes) => new TextDecoder().decode(bytes).includes('"layers":[{'))!,
  ));
  return [
    ...documents,
    json({ ...manifest, annotations: { [SEALED]: "a".repeat(64) } }),
    json({ ...manifest, artifactType: "x/y", subject: manifest.config }),
    makeConfig({ layers: [], platform: "linux/x86_64" }, []),
  ];
}

const target: Target = {
  name: "documents",
  starts,
  mutate: mutateJson,
  run(bytes) {
    const index = orRefused(() => parseIndex(bytes, OCI_INDEX, "an index"));
    orRefused(() => parseIndex(bytes, undefined, "an index"));
    orRefused(() => {
      const manifest = parseManifest(bytes, OCI_MANIFEST, "a manifest");
      for (const { digest, size } of [manifest.config, ...manifest.layers]) {
        splitDigest(digest);
        if (!(Number.isSafeInteger(size) && size >= 0)) throw new Error(`size ${size}`);
      }
      checkManifest(manifest, "a manifest");
      sealedDigests(bytes, "a manifest");
    });
    orRefused(() => parseConfig(bytes, "a config").diffIds.forEach(splitDigest));
    orRefused(() => parseDescriptor(parseObject(bytes, "a descriptor"), "a descriptor"));
    orRefused(() => sealedDigests(bytes, "a manifest"));
    if (Array.isArray(index)) { for (const { digest } of index) splitDigest(digest); }
  },
};

export default target;
