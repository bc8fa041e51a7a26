/**
 * `lamina inspect`.
 *
 * @module
 */

import { type Holders, holdersOf, layerUse, ownLayers } from "../../store/mod.ts";
import { configOf, shown, type ShownImage } from "../images.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { facts, table } from "../terminal/table.ts";
import { age, count, plural, size, until } from "../terminal/units.ts";

export default defineCommand({
  description:
    "OWN are the layers that no other image has: what removing this one would leave to be collected. IMAGES is how many images " +
    "have a layer, CONTENT its files' bytes, SHARED those of them that the store had before. With --json, the image's manifest " +
    "and config are part of the document.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "a name, a digest, or the beginning of one",
  }],
  flags: [],
  examples: [
    { command: "lamina inspect debian:12", says: "layers, sizes, and what needs it" },
    { command: "lamina inspect debian:12 --json", says: "the config too, for scripts" },
  ],
}, async (context, { args }) => {
  const store = await context.store();
  const record = store.images.find(args.image);
  const image = shown(store, record, store.names.byDigest().get(record.digest));
  const use = layerUse(store.images.list());
  const own = ownLayers(store, record, use);
  const holders = holdersOf(store, record.digest);
  const layers = record.layers.map((layer) => ({
    ...layer,
    ...store.layers.record(layer.diffId),
    images: use.get(layer.diffId) ?? 1,
  }));
  const config = configOf(store, record.digest);
  return {
    document: {
      ...image,
      layers,
      ownLayers: own.diffIds,
      ownBytes: own.bytes,
      ...holders,
      manifest: JSON.parse(new TextDecoder().decode(store.images.manifest(record.digest))),
      config,
    },
    text: (screen) => {
      const { Entrypoint, Cmd } = config.config ?? {};
      const command = [...Entrypoint ?? [], ...Cmd ?? []].join(" ");
      return facts([
        ...about(image),
        ["own", `${plural(own.diffIds.length, "layer")}, ${size(own.bytes)}`],
        ["command", command || "-"],
        ...held(holders),
      ], screen) + "\n" + table(
        [
          { title: "LAYER", style: () => "dim" },
          { title: "BLOB", right: true },
          { title: "ENTRIES", right: true },
          { title: "CONTENT", right: true },
          { title: "SHARED", right: true },
          { title: "IMAGES", right: true },
          { title: "MEDIA TYPE", shrinks: true },
        ],
        layers.map((layer) => [
          shortDigest(layer.diffId),
          size(layer.size),
          layer.entries === undefined ? "missing" : count(layer.entries),
          size(layer.fileBytes ?? 0),
          size(layer.sharedBytes ?? 0),
          count(layer.images),
          layer.mediaType,
        ]),
        screen,
      );
    },
    brief: [record.digest],
  };
});

function about(image: ShownImage): [string, string][] {
  const { tree } = image;
  const holds = `${count(tree.directories)} directories, ${count(tree.files)} other entries`;
  return [
    ["names", image.names.join(", ") || "-"],
    ["digest", image.digest],
    ["source", image.source],
    ["platform", image.platform || "-"],
    ["created", image.created ?? "-"],
    ["pulled", image.pulled],
    ["used", age(new Date(image.lastUsed), new Date())],
    ["tree", tree.digest],
    ["holds", `${holds}, ${size(tree.bytes)}`],
  ];
}

/** What needs the image, a line each. */
function held({ compositions, leases }: Holders): [string, string][] {
  return [
    ...compositions.map(({ id, target, strategy }): [string, string] => [
      "composed",
      `${id} at ${target} by ${strategy || "(unfinished)"}`,
    ]),
    ...leases.map(({ id, owner, expires }): [string, string] => [
      "lease",
      `${id}${owner === "" ? "" : ` of ${owner}`}, ${
        expires === null ? "forever" : `expires ${until(new Date(expires), new Date())}`
      }`,
    ]),
  ];
}
