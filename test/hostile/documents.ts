/**
 * Documents that are no image's: digests as paths, layers of others, one document with two meanings.
 *
 * @module
 */

import type { Descriptor, LayoutBuilder } from "../support/images.ts";
import { json, sha256 } from "../support/images.ts";
import { file, makeTar } from "../support/tar.ts";
import { addLayers, addManifest, layerType, type RefusedCase } from "./case.ts";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const HEX = "0123456789abcdef".repeat(4);

/** A layer of its own for each case: who has stored a layer does not look at it again. */
let count = 0;
const layer = () => [file("f", `content ${count++}`)];

/** An image with one layer, in whose manifest, config and layers something is another. */
function forged(
  change: (parts: { layers: Descriptor[]; diffIds: string[] }) => void,
): (layout: LayoutBuilder) => Descriptor {
  return (layout) => {
    const { descriptors: layers, diffIds } = addLayers(layout, [layer()]);
    change({ layers, diffIds });
    return addManifest(layout, layers, diffIds);
  };
}

/** A digest string that must never become a path. */
function digest(title: string, value: string, says: string, history?: string): RefusedCase {
  return {
    title,
    history,
    image: forged(({ layers }) => layers[0] = { ...layers[0], digest: value }),
    refused: [says],
  };
}

/** See the module. */
export const DOCUMENTS: readonly RefusedCase[] = [
  digest("a digest with ..", "sha256:../../../../etc/passwd", "digest", "CVE-2024-3727"),
  digest("a digest with /", `sha256:${HEX.slice(0, 62)}/x`, "digest", "CVE-2024-3727"),
  digest("a digest of the wrong length", `sha256:${HEX}0`, "digest"),
  digest("a digest of an unknown algorithm", `md5:${HEX.slice(32)}`, "digest"),
  digest("an algorithm that is a path", `../sha256:${HEX}`, "digest", "CVE-2024-3727"),
  digest("a digest in upper case", `sha256:${HEX.toUpperCase()}`, "digest"),
  digest("an empty digest", "", "digest"),
  {
    title: "a DiffID that is a path",
    history: "CVE-2024-3727",
    image: forged(({ diffIds }) => diffIds[0] = "sha256:../../x"),
    refused: ["digest"],
  },
  {
    title: "a config that claims another layer's DiffID",
    history: "CVE-2014-8178",
    image: forged(({ diffIds }) => diffIds[0] = sha256(makeTar([file("other")]))),
    refused: ["layer 1 of 1", "DiffID"],
  },
  {
    title: "more layers than DiffIDs",
    image: forged(({ diffIds }) => diffIds.pop()),
    refused: ["it has 1 layers, its config has 0 diff_ids"],
  },
  {
    title: "fewer layers than DiffIDs",
    image: forged(({ diffIds }) => diffIds.push(diffIds[0])),
    refused: ["it has 1 layers, its config has 2 diff_ids"],
  },
  {
    title: "a manifest that could be taken for an index",
    history: "CVE-2021-41190",
    image: (layout) => {
      const layer = layout.blob(makeTar([file("f")]), layerType());
      const config = layout.blob(json({}), "application/vnd.oci.image.config.v1+json");
      const both = { schemaVersion: 2, config, layers: [layer], manifests: [] };
      return layout.document(both, MANIFEST);
    },
    refused: ["it has manifests"],
  },
  {
    title: "a manifest that says it is an index",
    history: "CVE-2021-41190",
    image: (layout) =>
      layout.document(
        { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", layers: [] },
        MANIFEST,
      ),
    refused: ["it says that it is"],
  },
  {
    title: "a config in a layer's place",
    image: forged(({ layers }) =>
      layers[0] = { ...layers[0], mediaType: "application/vnd.oci.image.config.v1+json" }
    ),
    kind: "unsupported",
    refused: ["no layer's"],
  },
  {
    title: "a blob that is not what its digest says",
    image: (layout) => {
      const { descriptors: layers, diffIds } = addLayers(layout, [layer()]);
      const name = `blobs/sha256/${layers[0].digest.slice(7)}`;
      layout.files.set(name, layout.files.get(name)!.with(512, 0));
      return addManifest(layout, layers, diffIds);
    },
    refused: ["layer 1 of 1", "not what its digest says"],
  },
  {
    title: "a blob that is shorter than its descriptor says",
    image: (layout) => {
      const { descriptors: layers, diffIds } = addLayers(layout, [layer()]);
      const name = `blobs/sha256/${layers[0].digest.slice(7)}`;
      layout.files.set(name, layout.files.get(name)!.slice(0, 700));
      return addManifest(layout, layers, diffIds);
    },
    refused: ["layer 1", "700 bytes"],
  },
  {
    title: "a descriptor whose size lies",
    image: forged(({ layers }) => layers[0] = { ...layers[0], size: layers[0].size + 1 }),
    refused: ["its descriptor says"],
  },
];
