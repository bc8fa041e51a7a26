/**
 * Overlays as compositions: layers below, and above them the upper directory that the job asks for.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  fchownat,
  fstat,
  removeTree,
  Stat,
} from "../linux/mod.ts";
import { applyRoot } from "./materialize/materialize.ts";
import { mounts } from "./mounts.ts";
import type { Composition, DetachedMount, Job, Stack } from "./plugin.ts";

/** Where tmpfs is while the overlay is made over it; the overlay keeps it alive afterwards. */
const memory = (workspace: string) => `${workspace}/memory`;

/** Mounts a stack at the job's target; see {@link plugin!Host.mountStack}. */
export function mountStack(job: Job, stack: Stack): void {
  using mount = job.access === "rw" ? openWritable(job, stack) : openReadOnly(job, stack);
  mount.attach(job.target);
}

/** Undoes {@link mountStack}, whatever of it there is. */
export function unmountStack({ target, workspace, upper }: Composition): void {
  mounts.unmount(target);
  mounts.unmount(memory(workspace));
  if (upper?.kind === "directory") removeTree(AT_FDCWD, `${upper.path}/work`);
}

function openWritable(job: Job, stack: Stack): DetachedMount {
  const { upper: place, workspace } = job;
  let base = workspace;
  if (place?.kind === "directory") base = place.path;
  if (place?.kind === "tmpfs") {
    base = memory(workspace);
    Deno.mkdirSync(base, { mode: 0o700 });
    using tmpfs = mounts.tmpfs({ size: place.size, mode: 0o700 });
    tmpfs.attach(base);
  }
  const [upper, work] = [`${base}/upper`, `${base}/work`];
  // What an earlier mount left there would be refused or, worse, believed.
  removeTree(AT_FDCWD, work);
  Deno.mkdirSync(work, { mode: 0o700 });
  // The root of an overlay is its upper directory. One that is there already keeps what it has.
  if (made(upper)) {
    applyRoot(job, upper);
    if (job.idmap !== undefined) mapOwner(upper, job.idmap);
  }
  const mount = mounts.overlay({ ...stack, upper, work, readOnly: false });
  if (place?.kind === "tmpfs") mounts.unmount(base);
  return mount;
}

/** Gives a directory the owner that a mapped mount of it shows. */
function mapOwner(path: string, idmap: number): void {
  using mapped = mounts.directory(path, { idmap });
  const stat = new Stat();
  check(fstat(mapped.fd, stat), "statx", path);
  check(fchownat(AT_FDCWD, path, stat.uid, stat.gid, AT_SYMLINK_NOFOLLOW), "chown", path);
}

function openReadOnly(job: Job, stack: Stack): DetachedMount {
  const { lower, data = [] } = stack;
  if (lower.length + data.length > 1) return mounts.overlay({ ...stack, readOnly: true });
  // Without an upper directory overlayfs wants two lower ones.
  const empty = `${job.workspace}/empty`;
  made(empty);
  return mounts.overlay({ ...stack, lower: [...lower, empty], readOnly: true });
}

function made(directory: string): boolean {
  try {
    Deno.mkdirSync(directory, { mode: 0o700 });
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return false;
    throw error;
  }
}
