/**
 * `lamina import`.
 *
 * @module
 */

import { importImages } from "../../oci/import.ts";
import { parsePlatform } from "../../oci/mod.ts";
import { LIMIT_FLAG, parseLimits } from "../limits.ts";
import { defineCommand } from "../spec.ts";
import { exitCode, failureDocument } from "../terminal/failure.ts";
import { pulledText, showPull } from "../pulling.ts";

export default defineCommand({
  description:
    "SOURCE is containers-storage[:[DRIVER@]ROOT], where podman, buildah and skopeo keep their images (without ROOT: the user's " +
    "own store), containerd[:ROOT], or oci:DIR, oci-archive:FILE, docker-archive:FILE. Nothing is downloaded and nothing in SOURCE is changed; " +
    "while it is read, programs that want to change it wait. Each layer of containers-storage is put together again from its " +
    "unpacked files, and enters only if it has the DiffID that the image says. An image that cannot be brought does not keep " +
    "the others back.",
  arguments: [
    { name: "SOURCE", complete: "reference", summary: "the store to take images from" },
    {
      name: "IMAGE",
      optional: true,
      repeat: true,
      summary: "its name in SOURCE, in containers-storage its id, else its digest; none: all",
    },
  ],
  flags: [
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
    { command: "lamina import containers-storage", says: "all that podman has" },
    {
      command: "lamina import containers-storage:/var/lib/containers/storage localhost/app:1",
      says: "one image of a store",
    },
    { command: "lamina import containerd", says: "all that containerd has, in all namespaces" },
    {
      command: "lamina import oci:/srv/app --shared-blobs /srv/blobs",
      says: "all images of a layout whose blobs are elsewhere",
    },
  ],
}, async (context, { args, flags }) => {
  const store = await context.store({ create: true });
  using progress = await context.progress();
  const imported = await importImages(store, args.source, args.image, {
    platform: flags.platform === undefined ? undefined : parsePlatform(flags.platform),
    sharedBlobs: flags["shared-blobs"],
    limits: parseLimits(flags.limit, "lamina import"),
    onProgress: showPull(progress),
    signal: context.signal,
  });
  const failed = imported.filter((one) => "error" in one);
  // Nothing but an error to tell: then it is the whole answer.
  if (imported.length === 1 && failed.length === 1) throw failed[0].error;
  const done = imported.flatMap((one) => "result" in one ? [one.result] : []);
  return {
    document: {
      images: done,
      failed: failed.map(({ reference, error }) => ({ reference, ...failureDocument(error) })),
    },
    text: () => done.map(pulledText).join("") || (failed.length === 0 ? "nothing to import\n" : ""),
    brief: done.map(({ image }) => image.digest),
    errors: failed.map(({ error }) => error),
    code: failed.length > 0 ? exitCode(failed[0].error) : 0,
  };
});
