/**
 * `lamina composefs digest`.
 *
 * @module
 */

import { fsVerityDigest, normalizeOci, readErofs, toHex, writeErofs } from "../../tree/mod.ts";
import { defineCommand } from "../spec.ts";
import { readTreeImage } from "../trees.ts";

export default defineCommand({
  description:
    "The digest names the whole tree: every name, all metadata, and by their digests all contents. The profile " +
    "`plain` is exactly what the layers say, as `lamina compose` composes it; `oci-v1` is composefs-rs' " +
    "normalisation, whose digests agree with `cfsctl` and bootc.",
  arguments: [{
    name: "IMAGE",
    complete: "image",
    summary: "an image of the store, or a file with a composefs image",
  }],
  flags: [
    {
      name: "profile",
      value: "PROFILE",
      choices: ["plain", "oci-v1"],
      default: "plain",
      summary: "what is digested",
    },
    {
      name: "format",
      value: "FORMAT",
      choices: ["auto", "v0", "v1"],
      default: "auto",
      summary: "format version of the image that is digested",
    },
  ],
  examples: [{
    command: "lamina composefs digest debian:12 --profile oci-v1",
    says: "the digest that a bootable image is sealed with",
  }],
}, async (context, { args, flags }) => {
  const stored = readErofs(await readTreeImage(context, args.image));
  const tree = flags.profile === "oci-v1" ? normalizeOci(stored) : stored;
  const digest = toHex(fsVerityDigest(writeErofs(tree, { format: flags.format })));
  return {
    document: { image: args.image, profile: flags.profile, format: flags.format, digest },
    text: () => `${digest}\n`,
    brief: [digest],
  };
});
