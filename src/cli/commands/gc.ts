/**
 * `lamina gc`.
 *
 * @module
 */

import { collect, type Collected } from "../../store/gc/collect.ts";
import { shareContents, type Shared } from "../../store/gc/share.ts";
import { clearBegun, type Ended, findDead, releaseDead } from "../../strategy/dead.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import { printable } from "../terminal/printable.ts";
import { plural, size } from "../terminal/units.ts";
import { parseSize, parseSpan } from "../values.ts";

export default defineCommand({
  description:
    "Removes images without a name that no lease or composition needs, then layers that no image needs, trees, file contents, expired " +
    "leases, and what killed processes left. Compositions whose process died, and mounts that went with a reboot, are released, but " +
    "for mounts that may have been written to on disk. Pulls and compositions go on meanwhile. SIZE is bytes, or a " +
    "number with k, m, g or t; AGE is a number with s, m, h, d or w.",
  arguments: [],
  flags: [
    { name: "dry-run", short: "n", summary: "remove nothing, and say what would be freed" },
    {
      name: "all",
      short: "a",
      summary: "remove images with names too, if nothing else needs them",
    },
    {
      name: "keep-storage",
      value: "SIZE",
      summary: "remove images with names too, least recently used first, until the store fits",
    },
    {
      name: "older-than",
      value: "AGE",
      summary: "remove only images that were not pulled or composed for so long",
    },
    { name: "share", summary: "share equal contents of the layers that stay" },
  ],
  examples: [
    { command: "lamina gc --dry-run", says: "what would go" },
    { command: "lamina gc --keep-storage 20g", says: "a store of at most 20 GiB" },
    { command: "lamina gc --all --older-than 30d", says: "what nobody used for a month" },
    { command: "lamina gc --share", says: "after a move to a kernel or filesystem that shares" },
  ],
}, async (context, { flags }) => {
  const store = await context.store();
  const keep = flags["keep-storage"];
  const older = flags["older-than"];
  const dryRun = flags["dry-run"];
  const options = {
    dryRun,
    all: flags.all,
    keepStorage: keep === undefined ? undefined : parseSize(keep, "--keep-storage", "lamina gc"),
    olderThan: older === undefined ? undefined : parseSpan(older, "--older-than", "lamina gc"),
    signal: context.signal,
  };
  if (!dryRun) clearBegun(store);
  const { dead, stale } = findDead(store);
  const compositions = dryRun
    ? dead.map(({ record: { id, target, strategy }, reason }) => ({ id, target, strategy, reason }))
    : dead.length === 0
    ? []
    : await releaseDead(store, await context.plugins());
  using progress = await context.progress();
  let bar: ReturnType<typeof progress.task> | undefined;
  const collected = await collect(store, {
    ...options,
    onProgress: (event) => {
      if (event.type === "waiting") return;
      bar ??= progress.task("removing layers", event.total, "entries");
      bar.update(event.done);
    },
  });
  bar?.finish();
  let shared: Shared | undefined;
  if (flags.share) {
    const bar = progress.task("sharing contents", undefined, "entries");
    shared = await shareContents(store, {
      dryRun,
      signal: context.signal,
      onProgress: (done, total) => bar.update(done, total),
    });
    bar.finish();
  }
  return {
    document: {
      ...collected,
      ...shared === undefined ? {} : { shared },
      compositions,
      stale: stale.map(({ record: { id, target }, reason }) => ({ id, target, reason })),
    },
    text: () =>
      text(collected, compositions, stale, flags.all) +
      (shared === undefined ? "" : sharedText(shared)),
    brief: [...collected.images.map(({ digest }) => digest), ...collected.layers.map(diffIdOf)],
  };
});

function diffIdOf({ diffId }: { readonly diffId: string }): string {
  return diffId;
}

function text(
  { dryRun, images, layers, objects, trees, leases, leftovers, bytes }: Collected,
  compositions: readonly { readonly target: string; readonly reason: string }[],
  stale: readonly Ended[],
  all: boolean,
): string {
  const shared = layers.reduce((sum, layer) => sum + layer.sharedBytes, 0);
  const lines = [
    ...compositions.map(({ target, reason }) => `composition ${printable(target)}: ${reason}`),
    ...images.map(({ digest, names, bytes }) =>
      `image ${shortDigest(digest)}${names.length === 0 ? "" : ` (${names.join(", ")})`}: ${
        size(bytes)
      } beside its layers`
    ),
    ...layers.map(({ diffId, bytes }) => `layer ${shortDigest(diffId)}: ${size(bytes)}`),
    ...shared > 0 ? [`content that layers shared: ${size(shared)}`] : [],
    ...trees.count > 0 ? [`${plural(trees.count, "tree")}: ${size(trees.bytes)}`] : [],
    ...leases.length > 0 ? [plural(leases.length, "expired lease")] : [],
    ...leftovers.count > 0
      ? [`${plural(leftovers.count, "leftover")} of killed processes: ${size(leftovers.bytes)}`]
      : [],
    ...stale.map(({ record, reason }) =>
      `kept: composition ${record.id} at ${
        printable(record.target)
      }: ${reason}; lamina release ${record.id}`
    ),
  ];
  const what = `${plural(images.length, "image")}, ${plural(layers.length, "layer")}, ${
    plural(objects, "content")
  }`;
  const total = bytes === 0 && images.length + layers.length + leases.length === 0
    ? `nothing ${lines.length === 0 ? "" : "else "}to free${
      all ? "" : "; --all looks at images with names too"
    }`
    : `${dryRun ? "would free" : "freed"} ${size(bytes)}: ${what}`;
  return [...lines, total].map((line) => `${line}\n`).join("");
}

function sharedText({ dryRun, method, files, bytes, inUse, different }: Shared): string {
  const lines = [
    ...inUse.map((diffId) =>
      `left alone: layer ${shortDigest(diffId)}: compositions use it; release them, and share again`
    ),
    ...different.map((diffId) =>
      `layer ${shortDigest(diffId)} has files that are not what they should be: lamina fsck`
    ),
    method === "none"
      ? "nothing shared: neither this filesystem nor overlayfs here can (XFS, btrfs; as root Linux 6.5)"
      : files === 0
      ? "nothing to share"
      : `${dryRun ? "would share" : "shared"} ${plural(files, "file")}: ${size(bytes)} saved`,
  ];
  return lines.map((line) => `${line}\n`).join("");
}
