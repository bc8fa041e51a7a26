/**
 * `lamina composefs build`.
 *
 * @module
 */

import { fsVerityDigest, parseDump, toHex, writeErofs } from "../../tree/mod.ts";
import { usageError } from "../parse.ts";
import { defineCommand } from "../spec.ts";
import { readInput, writeOutput } from "../streams.ts";
import { plural } from "../terminal/units.ts";

export default defineCommand({
  description:
    "Makes the same bytes as mkcomposefs --from-file: an EROFS image with all metadata, whose files " +
    "refer to content objects by their fs-verity digests. Prints the image's own fs-verity digest.",
  arguments: [
    { name: "DUMP", complete: "file", summary: "a tree in composefs-dump(5) format; - is stdin" },
    { name: "OUT", complete: "file", summary: "the image's file" },
  ],
  flags: [{
    name: "format",
    value: "FORMAT",
    choices: ["auto", "v0", "v1"],
    default: "auto",
    summary: "format version of the image",
  }],
  examples: [{
    command: "composefs-info dump old.erofs | lamina composefs build - new.erofs",
    says: "read an image and write it again",
  }],
}, async (_context, { args, flags }) => {
  if (args.out === "-") {
    throw usageError("lamina composefs build", "OUT is a file, not stdout");
  }
  const image = writeErofs(parseDump(await readInput(args.dump)), { format: flags.format });
  writeOutput(args.out, image);
  const digest = toHex(fsVerityDigest(image));
  return {
    document: { file: args.out, digest, bytes: image.length },
    text: () => `${digest}  ${args.out} (${plural(image.length, "byte")})\n`,
    brief: [digest],
  };
});
