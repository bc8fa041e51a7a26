/**
 * `lamina inspect`.
 *
 * @module
 */

import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { facts, table } from "../terminal/table.ts";
import { count, size } from "../terminal/units.ts";

export default defineCommand({
  description: "With --json, the image's manifest and config are part of the document.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "a name, a digest, or the beginning of one",
  }],
  flags: [],
  examples: [
    { command: "lamina inspect debian:12", says: "layers and sizes" },
    { command: "lamina inspect debian:12 --json", says: "the config too, for scripts" },
  ],
}, async (context, { args }) => {
  const store = await context.store();
  const image = store.images.find(args.image);
  const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
  const document = {
    names: (store.names.byDigest().get(image.digest) ?? []).sort(),
    ...image,
    layers: image.layers.map((layer) => ({ ...layer, ...store.layers.record(layer.diffId) })),
    manifest: decode(store.images.manifest(image.digest)),
    config: decode(store.images.config(image.digest)),
  };
  return {
    document,
    text: (screen) => {
      const { tree } = image;
      const config = document.config.config ?? {};
      const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])].join(" ");
      return facts([
        ["names", document.names.join(", ") || "-"],
        ["digest", image.digest],
        ["source", image.source],
        ["platform", image.platform || "-"],
        ["pulled", image.pulled],
        ["tree", tree.digest],
        [
          "holds",
          `${count(tree.directories)} directories, ${count(tree.files)} other entries, ${
            size(tree.bytes)
          }`,
        ],
        ["command", command || "-"],
      ], screen) + "\n" + table(
        [
          { title: "LAYER", style: () => "dim" },
          { title: "BLOB", right: true },
          { title: "ENTRIES", right: true },
          { title: "CONTENT", right: true },
          { title: "SHARED", right: true },
          { title: "MEDIA TYPE", shrinks: true },
        ],
        document.layers.map((layer) => [
          shortDigest(layer.diffId),
          size(layer.size),
          layer.entries === undefined ? "missing" : count(layer.entries),
          size(layer.fileBytes ?? 0),
          size(layer.sharedBytes ?? 0),
          layer.mediaType,
        ]),
        screen,
      );
    },
    brief: [image.digest],
  };
});
