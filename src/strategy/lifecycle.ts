/**
 * The life of a composition between its record and the directory or mount that it is: claiming, undoing, and clearing up after a process
 * that died half-way.
 *
 * A process that makes, holds or releases a composition has a lock in its workspace meanwhile. A record that is not `ready` and whose lock
 * is free belongs to nobody any more.
 *
 * @module
 */

import { dirname } from "@std/path";
import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  BTRFS_SUPER_MAGIC,
  check,
  EEXIST,
  ENOENT,
  ENOTEMPTY,
  Fd,
  FileLock,
  fstat,
  fstatfs,
  mkdirat,
  O_DIRECTORY,
  O_RDONLY,
  openat,
  readMounts,
  removeTree,
  Stat,
  statx,
  syncfs,
  SysError,
  unlinkat,
} from "../linux/mod.ts";
import { listDirectory } from "../store/atomic.ts";
import type { CompositionRecord, Store } from "../store/mod.ts";
import { createHost } from "./host.ts";
import type { LoadedPlugin } from "./loader.ts";
import { makeStrategy } from "./loading/shape.ts";
import { mounts } from "./mounts.ts";
import type { Composition, Strategy } from "./plugin.ts";
import { SCRATCH_PREFIX } from "./probe.ts";

/** Makes records one process at a time, so that no two compositions get one target. */
export function lockRecords(store: Store): FileLock {
  return FileLock.exclusive(`${store.layout.locks}/compositions`);
}

/** The file whose lock says that a process is at a composition. */
export function lockFile(store: Store, id: string): string {
  return `${store.compositions.workspace(id)}/lock`;
}

/**
 * Removes the workspaces of processes that died, or had no room, before they wrote a record, and of mounts whose records went with them in a power
 * cut; but none that has what somebody wrote ({@link findUnrecorded}). Hold {@link lockRecords}.
 *
 * @param recorded Records that were read since the lock was taken, so that they need not be looked for again.
 */
export function clearUnrecorded(store: Store, recorded: readonly CompositionRecord[] = []): void {
  const known = new Set(recorded.map(({ id }) => id));
  for (const { name, isDirectory } of Deno.readDirSync(store.layout.compositions)) {
    if (known.has(name) || store.compositions.has(name)) continue;
    const workspace = store.compositions.workspace(name);
    if (isDirectory && (hasWrites(workspace) || isInUse(store, name))) continue;
    removeTree(AT_FDCWD, workspace);
  }
}

/** Workspaces without a record that have what somebody wrote: the disk had that when the power went off, but not yet the record. */
export function findUnrecorded(store: Store): string[] {
  return listDirectory(store.layout.compositions).filter((name) =>
    hasWrites(store.compositions.workspace(name)) && !store.compositions.has(name) &&
    !isInUse(store, name)
  );
}

function hasWrites(workspace: string): boolean {
  return listDirectory(`${workspace}/upper`).length > 0;
}

/** Whether a process or a mount has a workspace, of which there is no record although there should be one. */
function isInUse(store: Store, id: string): boolean {
  using lock = claim(store, id);
  if (lock === undefined) return true;
  const inside = `${Deno.realPathSync(store.compositions.workspace(id))}/`;
  return readMounts().some(({ path, superOptions }) => `${path} ${superOptions}`.includes(inside));
}

/** Takes a new composition's workspace; hold {@link lockRecords} until its record is written. */
export function claimNew(store: Store, id: string): FileLock {
  Deno.mkdirSync(store.compositions.workspace(id), { mode: 0o700 });
  return FileLock.exclusive(lockFile(store, id));
}

/** Takes a composition that is there, or returns undefined where another process has it, or has just released it. */
export function claim(store: Store, id: string): FileLock | undefined {
  try {
    return FileLock.tryExclusive(lockFile(store, id));
  } catch (error) {
    if (error instanceof SysError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/** Whether a record, read while its lock is held, is of a composition that nobody will finish. */
export function isUnfinished(record: CompositionRecord | undefined): record is CompositionRecord {
  return record !== undefined && record.state !== "ready";
}

/** Name of a composition's scratch directories for probing. */
export function scratchName(id: string): string {
  return SCRATCH_PREFIX + id;
}

/** Finds the plugin that a composition was made by. */
export function pluginOf(
  record: CompositionRecord,
  plugins: readonly LoadedPlugin[],
): LoadedPlugin | undefined {
  return plugins.find((plugin) =>
    plugin.name === record.strategy && plugin.source.file === record.plugin
  );
}

/** A plugin's strategy, to release with. */
export function strategyOf({ plugin, source }: LoadedPlugin): Strategy {
  return makeStrategy(plugin, createHost({ plugin: source }));
}

/** A composition as its strategy knows it. */
export function compositionOf(store: Store, record: CompositionRecord): Composition {
  const { id, target, access, upper } = record;
  return { id, target, access, upper, workspace: store.compositions.workspace(id) };
}

/**
 * Undoes a composition, whatever of it there is, and forgets it. Hold its lock.
 *
 * @param strategy What it was made by; undefined if it was not chosen yet.
 * @returns Whether the target, which lamina had made, is gone.
 */
export async function undo(
  store: Store,
  record: CompositionRecord,
  strategy: Strategy | undefined,
): Promise<{ targetRemoved: boolean }> {
  const composition = compositionOf(store, record);
  const scratch = scratchName(record.id);
  mounts.unmount(`${composition.workspace}/memory`);
  checkNothingMounted(record.target);
  // First the mount: nothing can be removed through one that is read-only.
  await strategy?.release(composition);
  removeTree(AT_FDCWD, `${record.target}/${scratch}`);
  if (record.upper?.kind === "directory") removeTree(AT_FDCWD, `${record.upper.path}/${scratch}`);
  const targetRemoved = record.madeTarget && removeTarget(record.target);
  if (!record.madeTarget) restoreTarget(record);
  if (record.strategy !== "" && record.result === "directory") settleRemoval(store, record.target);
  forget(store, record.id);
  return { targetRemoved };
}

/** Whatever removes a directory would stop half-way at a mount in it, or take the mount along; so would unmounting what is busy. */
function checkNothingMounted(target: string): void {
  const mount = readMounts().find(({ path }) => path.startsWith(`${target}/`));
  if (mount === undefined) return;
  throw new LaminaError(
    "busy",
    `${mount.path}: EBUSY, something (${mount.type}) is mounted there`,
    {
      hint: `Unmount it first: umount ${mount.path}`,
    },
  );
}

/**
 * Makes it durable that a directory is gone, before the record that leads to what is left of it. A journal keeps the two in order (ext4, XFS), but
 * of one filesystem, and btrfs keeps no order of what an fsync writes and what waits for the next commit.
 */
function settleRemoval(store: Store, target: string): void {
  const parent = dirname(target);
  const n = openat(AT_FDCWD, parent, O_RDONLY | O_DIRECTORY);
  // Where somebody removed that too, there is nothing left to lead to.
  if (n === -ENOENT) return;
  using directory = Fd.adopt(check(n, "open", parent));
  const [own, there] = [new Stat(), new Stat()];
  check(statx(AT_FDCWD, store.root, 0, own), "statx", store.root);
  check(fstat(directory.n, there), "statx", parent);
  const apart = own.devMajor !== there.devMajor || own.devMinor !== there.devMinor;
  if (apart || fstatfs(directory.n).type === BTRFS_SUPER_MAGIC) {
    check(syncfs(directory.n), "syncfs", parent);
  }
}

/** Not while {@link clearUnrecorded} looks: between its record and its directory a composition looks like one that nobody owns. */
function forget(store: Store, id: string): void {
  using _records = lockRecords(store);
  store.compositions.remove(id);
}

/** Removes a target that is empty now. One that somebody put something into stays. */
function removeTarget(target: string): boolean {
  const result = unlinkat(AT_FDCWD, target, AT_REMOVEDIR);
  if (result === -ENOENT) return true;
  if (result === -ENOTEMPTY) return false;
  check(result, "rmdir", target);
  return true;
}

function restoreTarget({ target, targetWas, result }: CompositionRecord): void {
  if (targetWas === undefined || result === "mount") return;
  try {
    // A strategy may have put something else into its place, which is gone now.
    const made = mkdirat(AT_FDCWD, target, 0o700);
    if (made !== -EEXIST) check(made, "mkdir", target);
    Deno.chownSync(target, targetWas.uid, targetWas.gid);
    Deno.chmodSync(target, targetWas.mode);
  } catch (error) {
    const gone = error instanceof Deno.errors.NotFound ||
      (error instanceof SysError && error.errno === ENOENT);
    if (!gone) throw error;
  }
}

/**
 * Undoes what processes that died left half made or half released. What cannot be undone now, because its plugin is not loaded or
 * something is in the way, stays on record.
 */
export async function sweep(store: Store, plugins: readonly LoadedPlugin[]): Promise<void> {
  for (const record of store.compositions.list()) {
    if (!isUnfinished(record)) continue;
    using lock = claim(store, record.id);
    // Another process has it, or had it until just now, and finished or forgot it.
    if (lock === undefined || !isUnfinished(store.compositions.get(record.id))) continue;
    const plugin = pluginOf(record, plugins);
    if (plugin === undefined && record.strategy !== "") continue;
    try {
      await undo(store, record, plugin && strategyOf(plugin));
    } catch {
      // Whoever releases it is told why it does not go.
    }
  }
}

/** The error for a composition that another process is making or releasing. */
export function busy(record: CompositionRecord): LaminaError {
  if (record.state === "held") {
    return new LaminaError(
      "busy",
      `composition ${record.id} at ${record.target}: process ${record.pid} uses it, and releases it at its end`,
      { hint: "Wait for it to end, or end it." },
    );
  }
  const doing = record.state === "making" ? "making" : "releasing";
  return new LaminaError(
    "busy",
    `composition ${record.id} at ${record.target}: another process (${record.pid}) is ${doing} it`,
    { hint: "Wait for it to end, or end it." },
  );
}
