/**
 * Building a directory from a tree: the beginning and the end of the walk.
 *
 * @module
 */

import {
  check,
  displayPath,
  fchmod,
  fchmodat,
  fchown,
  Fd,
  fremovexattr,
  fstat,
  linkat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  privileges,
  Stat,
  utimensat,
} from "../../linux/mod.ts";
import { ErofsView } from "../../tree/mod.ts";
import type { PluginSource } from "../loading/source.ts";
import type { FileEntry, Job, Made, MaterializeOptions } from "../plugin.ts";
import { mapTree } from "../stored_tree.ts";
import type { LaterLink } from "./builder.ts";
import { noCounts, notes } from "./counts.ts";
import { Exchange } from "./exchange.ts";
import { Metadata, type Owner } from "./metadata.ts";
import { openBelow, withParent } from "./path.ts";
import { type Helper, work } from "./team.ts";
import { Thread, type ThreadJob, type ThreadResult } from "./thread.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** What the walk is told about its surroundings. */
export interface Surroundings {
  /** The plugin whose `place` it calls, for other threads to load. */
  readonly plugin: PluginSource;
  /** A thread that was hired for it. */
  readonly helper?: Helper;
  readonly signal?: AbortSignal;
  /** Called now and then with entries done and entries in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Builds a directory, see {@link plugin!Host.materialize}. On failure what was made stays, for the caller to remove.
 *
 * @param place Gives a file its content.
 */
export async function materialize(
  job: Job,
  options: MaterializeOptions,
  place: (file: FileEntry) => void,
  surroundings: Surroundings,
): Promise<Made> {
  const entries = job.tree.directories + job.tree.files;
  using _umask = new NoUmask();
  using root = Fd.open(job.target, DIRECTORY);
  const owner = prepareRoot(root.n, job.target);
  const { helper, onProgress, signal } = surroundings;
  const view = new ErofsView(job.tree.image);
  const shared = helper === undefined ? undefined : view.inodes;
  const threadJob = describe(job, options, surroundings.plugin, owner, shared);
  using thread = new Thread(threadJob, place);
  thread.begin({ nid: view.rootNid, path: new Uint8Array() });
  const exchange = new Exchange(threadJob.exchange);
  const tick = () => onProgress?.(exchange.done, entries);
  const result = await work(threadJob, thread, helper, { signal, tick });
  linkLater(result, thread);
  // Children have longer paths than what they are in.
  const locked = result.locked.toSorted((a, b) => b.path.length - a.path.length);
  for (const { path, mode } of locked) {
    const done = withParent(root.n, path, (parent, name) => fchmodat(parent, name, mode));
    check(done, "fchmodat", displayPath(path));
  }
  thread.metadata.open(root.n, view.rootNid, view.mode(view.rootNid), PREPARED_MODE);
  onProgress?.(entries, entries);
  return { notes: { ...notes(result.counts), threads: result.threads } };
}

/** A umask of 0, as long as any walk of this process goes on: it is one for all threads. */
class NoUmask implements Disposable {
  static #walks = 0;
  static #before = 0;

  constructor() {
    if (NoUmask.#walks++ === 0) NoUmask.#before = Deno.umask(0);
  }

  [Symbol.dispose](): void {
    if (--NoUmask.#walks === 0) Deno.umask(NoUmask.#before);
  }
}

/** Mode of the target while it is being built: nobody else can reach what is half made. */
const PREPARED_MODE = 0o700;

/**
 * Makes a target ready: out of others' reach, and so that new entries in it belong to this process and inherit nothing.
 *
 * @returns What new entries belong to.
 */
function prepareRoot(root: number, target: string): Owner {
  check(fchmod(root, PREPARED_MODE), "fchmod", target);
  for (const key of ["system.posix_acl_default", "system.posix_acl_access"]) {
    fremovexattr(root, key);
  }
  const stat = new Stat();
  check(fstat(root, stat), "statx", target);
  const { euid } = privileges();
  const gid = Deno.gid() ?? stat.gid;
  // On a filesystem mounted with `grpid` new entries have their directory's group: so that is made the same.
  if ((stat.uid !== euid || stat.gid !== gid) && fchown(root, euid, gid) === 0) {
    return { uid: euid, gid };
  }
  return { uid: stat.uid, gid: stat.gid };
}

function describe(
  job: Job,
  options: MaterializeOptions,
  plugin: PluginSource,
  owner: Owner,
  inodes: number | undefined,
): ThreadJob {
  const { image, path } = job.tree;
  return {
    plugin,
    target: job.target,
    // A worker reads the file again rather than have it copied, unless the memory can be shared.
    image: inodes === undefined || image.buffer instanceof SharedArrayBuffer ? image : path,
    origins: job.origins,
    layers: job.layers,
    objects: job.objects,
    writable: job.writable,
    linkOthers: options.linkOthers ?? false,
    native: job.native,
    owner,
    lenient: isLenient(),
    exchange: Exchange.memory(),
    groups: inodes === undefined ? undefined : new Uint8Array(new SharedArrayBuffer(inodes)),
  };
}

function isLenient(): boolean {
  const { initUserNamespace, capChown, capMknod } = privileges();
  return !(initUserNamespace && capChown && capMknod);
}

/** Hard links between what two threads made. They change their directories' times, which are set again. */
function linkLater({ firsts, later }: ThreadResult, thread: Thread): void {
  const { view, metadata, root } = thread;
  for (const link of later) {
    const first = firsts.get(link.ino);
    // A device that this process may not make.
    if (first === undefined && metadata.lenient) continue;
    linkOne(root.n, first!, link);
    const directory = link.path.subarray(0, Math.max(link.path.lastIndexOf(0x2f), 0));
    using fd = Fd.adopt(
      openBelow(root.n, directory.length === 0 ? DOT : terminated(directory), DIRECTORY),
    );
    const [mtime, nsec] = [view.mtime(link.directory), view.nsec(link.directory)];
    check(utimensat(fd.n, null, mtime, nsec), "futimens", displayPath(directory));
  }
}

const DOT = new Uint8Array([0x2e, 0]);

function linkOne(root: number, first: Uint8Array, { path }: LaterLink): void {
  const result = withParent(
    root,
    first,
    (from, name) => withParent(root, path, (to, newName) => linkat(from, name, to, newName)),
  );
  check(result, "link", displayPath(path));
}

function terminated(path: Uint8Array): Uint8Array {
  const result = new Uint8Array(path.length + 1);
  result.set(path);
  return result;
}

/** Gives a directory of ours the metadata of the tree's root, see {@link plugin!Host.applyRoot}. */
export function applyRoot(job: Job, path: string): void {
  using directory = Fd.open(path, DIRECTORY);
  const owner = prepareRoot(directory.n, path);
  using image = mapTree(job.tree);
  const view = new ErofsView(image.bytes);
  const metadata = new Metadata(view, noCounts(), owner, isLenient());
  metadata.open(directory.n, view.rootNid, view.mode(view.rootNid), PREPARED_MODE);
}
