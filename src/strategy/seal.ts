/**
 * fs-verity on what a composition reads, so that the kernel checks it from then on.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  displayPath,
  EEXIST,
  enableVerity,
  ENODATA,
  ENOTTY,
  EOPNOTSUPP,
  Fd,
  measureVerity,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  overlayVerifies,
  SysError,
} from "../linux/mod.ts";
import { ErofsView, S_IFDIR, S_IFREG, toHex } from "../tree/mod.ts";
import type { Job } from "./plugin.ts";

/**
 * Sees to it that a job's metadata images and all objects of its tree have fs-verity, and the digests that they must have; see {@link plugin!Host.seal}.
 *
 * @returns Why kernel or filesystem cannot; undefined when all is sealed.
 * @throws {LaminaError} `invalid` for a file whose content is not what its name says.
 */
export function seal(job: Job): string | undefined {
  const unable = overlayVerifies()
    ? undefined
    : "overlayfs of this kernel has no verity=require, which came with Linux 6.6";
  // With `try`, files are sealed all the same: then fs-verity alone refuses what changes from now on.
  if (unable !== undefined && job.verity === "require") return unable;
  for (const { path, digest } of job.images) {
    using image = Fd.open(path, O_RDONLY);
    const obstacle = sealFile(image, digest, path);
    if (obstacle !== undefined) return obstacle;
  }
  using objects = Fd.open(job.objects, O_PATH | O_DIRECTORY);
  const view = new ErofsView(job.tree.image);
  const done = new Uint8Array(view.inodes);
  const pending = [view.rootNid];
  let obstacle: string | undefined;
  const visit = (nid: number, type: number) => {
    if (type === S_IFDIR) return void pending.push(nid);
    if (type !== S_IFREG || obstacle !== undefined || done[view.ino(nid)] === 1) return;
    done[view.ino(nid)] = 1;
    const path = view.object(nid);
    if (path === null) return;
    using object = Fd.openat(objects.n, path, O_RDONLY);
    const name = displayPath(path);
    obstacle = sealFile(object, name.replace("/", ""), `${job.objects}/${name}`);
  };
  for (let nid = pending.pop(); nid !== undefined; nid = pending.pop()) view.entries(nid, visit);
  return obstacle ?? unable;
}

/** Gives a file fs-verity unless it has it, and compares digests. Returns why it cannot have it. */
function sealFile(file: Fd, digest: string, path: string): string | undefined {
  const measured = new Uint8Array(32);
  let result = measureVerity(file.n, measured);
  if (result === -ENODATA) {
    const enabled = enableVerity(file.n);
    if (enabled < 0 && enabled !== -EEXIST) return obstacleOf(enabled, path);
    result = measureVerity(file.n, measured);
  }
  if (result < 0) return obstacleOf(result, path);
  if (toHex(measured) === digest) return undefined;
  throw new LaminaError(
    "invalid",
    `sealing ${path}: its fs-verity digest is ${toHex(measured)}, not ${digest}`,
    {
      hint: "The file was changed on disk: remove the image and pull it again.",
    },
  );
}

function obstacleOf(result: number, path: string): string {
  if (result === -ENOTTY || result === -EOPNOTSUPP) {
    return `the filesystem of ${path} has no fs-verity, or this kernel has not`;
  }
  throw new SysError(-result, "FS_IOC_ENABLE_VERITY", path);
}
