/**
 * `lamina composefs digest`.
 *
 * @module
 */

import { treeDigest } from "../../tree/mod.ts";
import { defineCommand } from "../spec.ts";
import { readTreeImage } from "../trees.ts";

export default defineCommand({
  description:
    "The digest names the whole tree: every name, all metadata, and by their digests all contents. The profile " +
    "`plain` is exactly what the layers say, as `lamina compose` composes it, and what its --digest takes; `oci-v1` is " +
    "composefs-rs' normalisation, whose digests agree with `cfsctl` and bootc: the root has the metadata of /usr, /run is empty, " +
    "and of the extended attributes only security.capability counts. Images without /usr, which cfsctl refuses, have a root of " +
    "mode 0755, owner 0:0, time 0.",
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
      summary:
        "format version; `auto`: as mkcomposefs (default: the image's own; v1 for oci-v1 and stored images)",
    },
  ],
  examples: [{
    command: "lamina composefs digest debian:12 --profile oci-v1",
    says: "the digest that a bootable image is sealed with",
  }],
}, async (context, { args, flags }) => {
  const { profile, format: wanted } = flags;
  const image = await readTreeImage(context, args.image);
  const { digest, format } = treeDigest(image, { profile, format: wanted });
  return {
    document: { image: args.image, profile, format, digest },
    text: () => `${digest}\n`,
    brief: [digest],
  };
});
