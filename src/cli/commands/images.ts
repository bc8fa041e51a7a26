/**
 * `lamina images`.
 *
 * @module
 */

import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { table } from "../terminal/table.ts";
import { age, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "SIZE is what a flattened copy of the image would take. Layers that images share are in " +
    "the store once.",
  arguments: [],
  flags: [],
  examples: [
    { command: "lamina images", says: "all images, the latest pulled first" },
    { command: "lamina images --quiet", says: "their names, one a line" },
  ],
}, async (context) => {
  const store = await context.store();
  const names = store.names.byDigest();
  const images = store.images.list().map((image) => ({
    names: (names.get(image.digest) ?? []).sort(),
    ...image,
  }));
  return {
    document: images,
    text: (screen) => {
      if (images.length === 0) return "no images\n";
      return table(
        [
          { title: "NAME", shrinks: true },
          { title: "DIGEST", style: () => "dim" },
          { title: "PLATFORM" },
          { title: "LAYERS", right: true },
          { title: "SIZE", right: true },
          { title: "PULLED" },
        ],
        images.map((image) => [
          image.names.join(", ") || "-",
          shortDigest(image.digest),
          image.platform || "-",
          String(image.layers.length),
          size(image.tree.bytes),
          age(new Date(image.pulled), new Date()),
        ]),
        screen,
      );
    },
    brief: images.flatMap((image) => image.names.length > 0 ? image.names : [image.digest]),
  };
});
