/**
 * `lamina rm`.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { type Removal, removeImage } from "../../store/mod.ts";
import { usageError } from "../parse.ts";
import { defineCommand } from "../spec.ts";
import { exitCode, failureDocument } from "../terminal/failure.ts";
import { shortDigest } from "../terminal/names.ts";
import { plural, size } from "../terminal/units.ts";

export default defineCommand({
  description:
    "A name is removed, and with its last name the image. By digest the image is removed at once, which takes --force where it " +
    "has several names. An image that a composition or a lease needs is not removed: --force drops the leases, a composition is " +
    "for `lamina release`. Layers that no image needs any more stay on disk until the next `lamina gc`.",
  arguments: [{
    name: "IMAGE",
    repeat: true,
    optional: true,
    complete: "image",
    summary: "a name, a digest, or the beginning of one",
  }],
  flags: [
    { name: "force", short: "f", summary: "remove all names of a digest, and drop leases" },
    { name: "ignore", short: "i", summary: "an image that is not there is no error" },
    { name: "all", short: "a", summary: "all images, with or without names" },
  ],
  examples: [
    { command: "lamina rm app:1 app:2", says: "two names; an image goes with its last one" },
    { command: "lamina rm --force 54df30dd48f9", says: "an image with all its names" },
  ],
}, async (context, { args, flags }) => {
  if (flags.all === args.image.length > 0) {
    throw usageError("lamina rm", "name images, or say --all");
  }
  const store = await context.store();
  const removals: Removal[] = [];
  const failed: { readonly image: string; readonly error: unknown }[] = [];
  for (const image of flags.all ? store.images.digests() : args.image) {
    try {
      removals.push(removeImage(store, image, { force: flags.force, allNames: flags.all }));
    } catch (error) {
      if (flags.ignore && error instanceof LaminaError && error.kind === "not-found") continue;
      // Nothing but an error to tell: then it is the whole answer.
      if (args.image.length === 1) throw error;
      failed.push({ image, error });
    }
  }
  return {
    document: {
      images: removals,
      failed: failed.map(({ image, error }) => ({ image, ...failureDocument(error) })),
    },
    text: () => removals.map(line).join("") || (failed.length === 0 ? "nothing to remove\n" : ""),
    brief: removals.filter(({ removed }) => removed).map(({ digest }) => digest),
    errors: failed.map(({ error }) => error),
    code: failed.length > 0 ? exitCode(failed[0].error) : 0,
  };
});

function line({ digest, untagged, removed, leases, layers, bytes }: Removal): string {
  const gone = untagged.map((name) => `untagged ${name}\n`).join("") +
    leases.map((id) => `dropped lease ${id}\n`).join("");
  if (!removed) return gone;
  const freed = layers.length === 0
    ? "other images have all its layers"
    : `${plural(layers.length, "layer")} that no other image has, ${
      size(bytes)
    }, for \`lamina gc\``;
  return `${gone}removed ${shortDigest(digest)}: ${freed}\n`;
}
