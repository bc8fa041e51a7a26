/**
 * `lamina pull`.
 *
 * @module
 */

import { parsePlatform } from "../../oci/mod.ts";
import { pull } from "../../oci/pull.ts";
import { LIMIT_FLAG, parseLimits } from "../limits.ts";
import { pulledText, showPull } from "../pulling.ts";
import { defineCommand } from "../spec.ts";

export default defineCommand({
  description:
    "REF is oci:DIR[:TAG|@DIGEST], oci-archive:FILE[:TAG], docker-archive:FILE[:NAME:TAG], " +
    "containers-storage:[[ROOT]]NAME (an image of podman, buildah or skopeo on this host) or containerd:ROOT:NAME. Every digest " +
    "and size is verified before anything enters the store. Layers that the store has are not read again, and a file's content that it has is not stored again. Where the manifest says composefs digests (annotations of " +
    "composefs-rs), they are checked. What an image may claim is limited (--limit, $LAMINA_LIMITS): sizes, numbers of entries and the like.",
  arguments: [{ name: "REF", complete: "reference", summary: "where the image is" }],
  flags: [
    {
      name: "name",
      value: "NAME",
      summary: "the image's name in the store (default: as the source calls it)",
    },
    {
      name: "shared-blobs",
      value: "DIR",
      complete: "directory",
      summary: "where the blobs of an oci: layout are, if several layouts share them",
    },
    {
      name: "platform",
      value: "OS/ARCH[/VARIANT]",
      summary: "which of several images (default: the one for this host)",
    },
    LIMIT_FLAG,
  ],
  examples: [
    { command: "lamina pull oci:/srv/images:app", says: "from an OCI image layout" },
    {
      command: "lamina pull docker-archive:app.tar --name app",
      says: "from the output of docker save or podman save",
    },
    {
      command: "lamina pull containers-storage:localhost/app:1",
      says: "an image that podman has, without downloading it again",
    },
  ],
}, async (context, { args, flags }) => {
  const store = await context.store({ create: true });
  using progress = await context.progress();
  const result = await pull(store, args.ref, {
    name: flags.name,
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    sharedBlobs: flags["shared-blobs"],
    limits: parseLimits(flags.limit, "lamina pull"),
    onProgress: showPull(progress),
    signal: context.signal,
  });
  const { seconds, image, ...rest } = result;
  return {
    document: { ...rest, seconds, image },
    text: () => pulledText(result),
    brief: [image.digest],
  };
});
