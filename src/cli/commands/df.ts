/**
 * `lamina df`.
 *
 * @module
 */

import { type LayerUsage, measureUsage, type Usage } from "../../store/usage/usage.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import type { Screen } from "../terminal/screen.ts";
import { facts, table } from "../terminal/table.ts";
import { count, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "For each image: what a flattened copy would take, what is freed if only this image goes, and what it shares. In all: " +
    "what the store takes by the filesystem's own count of blocks, with hard links and shared extents counted once, what it saves, and " +
    "what `lamina gc` would free. It looks at every file. --verbose adds the layers.",
  arguments: [{
    name: "IMAGE",
    repeat: true,
    optional: true,
    complete: "image",
    summary: "show these images only; the sums are of the whole store",
  }],
  flags: [],
  examples: [
    { command: "lamina df", says: "the whole store" },
    { command: "lamina df app --json", says: "one image, for scripts" },
  ],
}, async (context, { args }) => {
  const store = await context.store();
  const wanted = new Set(args.image.map((name) => store.images.find(name).digest));
  using progress = await context.progress();
  const bar = progress.task("looking at files", undefined, "entries");
  const usage = await measureUsage(store, {
    signal: context.signal,
    onProgress: (done, total) => bar.update(done, total),
  });
  bar.finish();
  const images = usage.images.filter(({ digest }) => wanted.size === 0 || wanted.has(digest));
  const shown = { ...usage, images };
  return {
    document: shown,
    text: (screen) =>
      [
        images.length === 0 ? "" : `${imageTable(shown, screen)}\n`,
        context.globals.verbose ? `${layerTable(usage.layers, screen)}\n` : "",
        totals(usage, screen),
      ].join(""),
    brief: [String(usage.stored)],
  };
});

function imageTable({ images }: Usage, screen: Screen): string {
  return table(
    [
      { title: "IMAGE", shrinks: true },
      { title: "DIGEST", style: () => "dim" },
      { title: "FLATTENED", right: true },
      { title: "UNIQUE", right: true },
      { title: "SHARED", right: true },
    ],
    images.map(({ digest, names, flattened, unique, shared }) => [
      names.join(", ") || "-",
      shortDigest(digest),
      size(flattened),
      size(unique),
      size(shared),
    ]),
    screen,
  );
}

function layerTable(layers: readonly LayerUsage[], screen: Screen): string {
  return table(
    [
      { title: "LAYER", style: () => "dim" },
      { title: "IMAGES", right: true },
      { title: "ALONE", right: true },
      { title: "UNIQUE", right: true },
    ],
    layers.map(({ diffId, images, alone, unique }) => [
      shortDigest(diffId),
      count(images),
      size(alone),
      size(unique),
    ]),
    screen,
  );
}

function totals(usage: Usage, screen: Screen): string {
  const { now, all } = usage.reclaimable;
  return facts([
    ["flattened copies", size(usage.logical)],
    ["stored", `${size(usage.stored)} in ${count(usage.inodes)} files and directories`],
    ["saved by layers", size(usage.savedByLayers)],
    ["saved by content", size(usage.savedByContent)],
    ...([["kept", usage.kept], ["compositions", usage.compositions]] as const)
      .filter(([, bytes]) => bytes > 0).map(([name, bytes]) => [name, size(bytes)] as const),
    ["records", size(usage.records)],
    ...usage.metadata > 0 ? [["filesystem's records", size(usage.metadata)] as const] : [],
    ["reclaimable", `${size(now)}; ${size(all)} with lamina gc --all`],
    ["counted by", usage.method],
  ], screen);
}
