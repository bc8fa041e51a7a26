/**
 * `lamina pull`.
 *
 * @module
 */

import { parsePlatform } from "../../oci/mod.ts";
import { pull, type PullEvent, type PullResult } from "../../oci/pull.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";
import type { Progress, Task } from "../terminal/progress.ts";
import { duration, plural, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "REF is oci:DIR[:TAG|@DIGEST], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME:TAG]. Every digest and " +
    "size is verified before anything enters the store. Layers that the store has are not read again, " +
    "and a file's content that it has is not stored again. Where the manifest says composefs digests (annotations of " +
    "composefs-rs), they are checked.",
  arguments: [{ name: "REF", complete: "reference", summary: "where the image is" }],
  flags: [
    {
      name: "name",
      value: "NAME",
      summary: "the image's name in the store (default: as the source calls it)",
    },
    {
      name: "platform",
      value: "OS/ARCH[/VARIANT]",
      summary: "which of several images (default: the one for this host)",
    },
  ],
  examples: [
    { command: "lamina pull oci:/srv/images:app", says: "from an OCI image layout" },
    {
      command: "lamina pull docker-archive:app.tar --name app",
      says: "from the output of docker save or podman save",
    },
  ],
}, async (context, { args, flags }) => {
  const store = await context.store({ create: true });
  using progress = await context.progress();
  const result = await pull(store, args.ref, {
    name: flags.name,
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    onProgress: showing(progress),
    signal: context.signal,
  });
  const { seconds, image, ...rest } = result;
  return {
    document: { ...rest, seconds, image },
    text: () => summary(result),
    brief: [image.digest],
  };
});

/** One bar for each layer. */
function showing(progress: Progress): (event: PullEvent) => void {
  const bars = new Map<string, Task>();
  return (event) => {
    if (event.type !== "layer") return;
    let bar = bars.get(event.diffId);
    if (bar === undefined) {
      bar = progress.task(`layer ${shortDigest(event.diffId)}`, event.total);
      bars.set(event.diffId, bar);
    }
    if (event.finished) bar.finish();
    else bar.update(event.done);
  };
}

function summary(
  { image, name, replaced, layers, newBytes, sharedBytes, verified, seconds }: PullResult,
): string {
  const fresh = layers.filter((layer) => layer.isNew).length;
  const took = `in ${duration(seconds * 1000)}`;
  const brought = fresh === 0
    ? `${plural(layers.length, "layer")}, all in the store already, ${took}`
    : `${plural(layers.length, "layer")}, ${fresh} new: ${size(newBytes)} stored${
      sharedBytes > 0 ? `, ${size(sharedBytes)} shared with what was there` : ""
    }, ${took}`;
  const was = replaced === undefined ? "" : `, no longer ${shortDigest(replaced)}`;
  return `${name ?? "(no name)"} is ${shortDigest(image.digest)}${was}: ${brought}\n` +
    verified.map((key) => `checked: ${key}\n`).join("");
}
