/**
 * Cases as peers are given them.
 *
 * @module
 */

import { compress, LayoutBuilder, sha256 } from "../../support/images.ts";
import { makeTar } from "../../support/tar.ts";
import { addManifest, type Aim, type HostileCase, layerType, type OddLayer } from "../case.ts";

/** A case that peers are given too. */
export interface Sample {
  readonly title: string;
  /** Its layers, lowest first; undefined where the case is about documents. */
  readonly layers: readonly OddLayer[] | undefined;
  /** Its layout: the only image is named `it`, and layers that the case does not compress are compressed by gzip. */
  readonly layout: LayoutBuilder;
  /** What we make of it: a snapshot of the merged tree, or the message with which it is refused. */
  readonly ours: Map<string, string> | string;
}

/** Makes one of a case that was run. */
export function sampleOf(one: HostileCase, aim: Aim, ours: Sample["ours"]): Sample {
  const layout = new LayoutBuilder();
  const layers = (typeof one.layers === "function" ? one.layers(aim) : one.layers)
    ?.map((layer): OddLayer => "archive" in layer ? layer : { archive: makeTar(layer) });
  const image = "image" in one && one.image !== undefined ? one.image(layout, aim) : addManifest(
    layout,
    layers!.map(({ archive, blob, mediaType }) =>
      layout.blob(blob ?? compress(archive, "gzip"), mediaType ?? layerType("gzip"))
    ),
    layers!.map(({ archive }) => sha256(archive)),
    // An image of its own, even where another case has the same layers.
    { Labels: { case: one.title } },
  );
  layout.top([{ ...image, annotations: { "org.opencontainers.image.ref.name": "it" } }]);
  return { title: one.title, layers, layout, ours };
}
