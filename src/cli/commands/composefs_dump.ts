/**
 * `lamina composefs dump`.
 *
 * @module
 */

import { formatDump, readErofs } from "../../tree/mod.ts";
import { defineCommand } from "../spec.ts";
import { readTreeImage } from "../trees.ts";

export default defineCommand({
  description:
    "One line for each entry: path, size, mode, links, owner, device, time, content, extended attributes.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "an image of the store, or a file with a composefs image",
  }],
  flags: [],
  examples: [
    { command: "lamina composefs dump debian:12", says: "what is in an image" },
    {
      command: "diff <(lamina composefs dump app:1) <(lamina composefs dump app:2)",
      says: "what changed between two",
    },
  ],
}, async (context, { args }) => {
  // The format escapes every byte that is not printable ASCII.
  const dump = new TextDecoder().decode(
    formatDump(readErofs(await readTreeImage(context, args.image))),
  );
  return {
    document: { image: args.image, dump },
    text: () => dump,
    brief: [dump.trimEnd()],
  };
});
