/**
 * `lamina tag`.
 *
 * @module
 */

import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";

export default defineCommand({
  description: "A name that another image has moves to this one.",
  arguments: [
    { name: "IMAGE", complete: "image", summary: "a name, a digest, or the beginning of one" },
    { name: "NAME", summary: "the name to give" },
  ],
  flags: [],
  examples: [{ command: "lamina tag debian:12 base", says: "let `base` stand for the image" }],
}, async (context, { args }) => {
  const store = await context.store();
  using _shared = store.shared();
  const image = store.images.find(args.image);
  const before = store.names.set(args.name, image.digest);
  const moved = before !== undefined && before !== image.digest;
  return {
    document: { name: args.name, digest: image.digest, before: before ?? null },
    text: () =>
      `${args.name} is ${shortDigest(image.digest)}${
        moved ? `, no longer ${shortDigest(before)}` : ""
      }\n`,
    brief: [image.digest],
  };
});
