/**
 * `lamina tag`.
 *
 * @module
 */

import { checkName } from "../../store/mod.ts";
import { defineCommand } from "../spec.ts";
import { shortDigest } from "../terminal/names.ts";

export default defineCommand({
  description:
    "A name that another image has moves to this one, which may have any number of them.",
  arguments: [
    { name: "IMAGE", complete: "image", summary: "a name, a digest, or the beginning of one" },
    { name: "NAME", repeat: true, summary: "the name to give" },
  ],
  flags: [],
  examples: [{ command: "lamina tag debian:12 base", says: "let `base` stand for the image" }],
}, async (context, { args }) => {
  const store = await context.store();
  using _shared = store.shared();
  using _images = store.images.lock();
  const image = store.images.find(args.image);
  // All or none, as far as it depends on the names.
  for (const name of args.name) checkName(name);
  const names = args.name.map((name) => ({
    name,
    before: store.names.set(name, image.digest) ?? null,
  }));
  return {
    document: { digest: image.digest, names },
    text: () =>
      names.map(({ name, before }) =>
        `${name} is ${shortDigest(image.digest)}${
          before === null || before === image.digest ? "" : `, no longer ${shortDigest(before)}`
        }\n`
      ).join(""),
    brief: [image.digest],
  };
});
