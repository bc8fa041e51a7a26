/**
 * Releasing: a composition is undone and forgotten, and it is said what that freed.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  DT_DIR,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  readDirectory,
  Stat,
  statx,
} from "../linux/mod.ts";
import type { CompositionRecord, Store } from "../store/mod.ts";
import { changedFiles } from "./changed.ts";
import { busy, claim, pluginOf, strategyOf, sweep, undo } from "./lifecycle.ts";
import type { LoadedPlugin } from "./loader.ts";
import { canonicalTarget } from "./target.ts";

/** A composition that was released. */
export interface ReleaseResult {
  /** The composition's id. */
  readonly id: string;
  /** Where it was. */
  readonly target: string;
  /** What it was made by; empty if it never came to that. */
  readonly strategy: string;
  /** Whether the target directory is gone: lamina had made it. */
  readonly targetRemoved: boolean;
  /** Entries that are gone: of the composed directory, or of the upper directory in the store. */
  readonly entries: number;
  /** Bytes on disk that these had for themselves, without what they shared with the store. */
  readonly bytes: number;
  /** Files in it that are the store's own and were written to: the store is damaged. See {@link changed!changedFiles}. */
  readonly changed: readonly string[];
}

/** What is asked of {@link release}. */
export interface ReleaseOptions {
  /** The strategies that may have made it. */
  readonly plugins: readonly LoadedPlugin[];
}

/**
 * Releases one composition.
 *
 * @param idOrTarget Its target, its id, or the beginning of an id that just one composition has.
 * @throws {LaminaError} `not-found`, `usage` (several), `busy` (another process is at it), `failed` where something is in the way:
 * then it stays on record, to be released again.
 */
export async function release(
  store: Store,
  idOrTarget: string,
  options: ReleaseOptions,
): Promise<ReleaseResult> {
  using _shared = store.shared();
  return await releaseOne(store, find(store, idOrTarget), options.plugins);
}

/** Releases all compositions of a store, the latest first; those that fail are returned with their errors. */
export async function releaseAll(
  store: Store,
  options: ReleaseOptions,
): Promise<{ released: ReleaseResult[]; failed: { record: CompositionRecord; error: unknown }[] }> {
  using _shared = store.shared();
  await sweep(store, options.plugins);
  const released: ReleaseResult[] = [];
  const failed: { record: CompositionRecord; error: unknown }[] = [];
  for (const record of store.compositions.list().reverse()) {
    try {
      released.push(await releaseOne(store, record, options.plugins));
    } catch (error) {
      failed.push({ record, error });
    }
  }
  return { released, failed };
}

function find(store: Store, idOrTarget: string): CompositionRecord {
  // An id in full is no beginning of another one, and needs no look at the others.
  const exact = store.compositions.get(idOrTarget);
  if (exact !== undefined) return exact;
  const target = canonicalTarget(idOrTarget);
  return store.compositions.list().find((record) => record.target === target) ??
    store.compositions.find(idOrTarget);
}

async function releaseOne(
  store: Store,
  found: CompositionRecord,
  plugins: readonly LoadedPlugin[],
): Promise<ReleaseResult> {
  using lock = claim(store, found.id);
  const record = store.compositions.get(found.id);
  if (record === undefined) {
    throw new LaminaError("not-found", `releasing ${found.target}: somebody else just released it`);
  }
  if (lock === undefined) throw busy(record);
  return await releaseClaimed(store, record, plugins);
}

/** Releases a composition whose lock the caller has. Hold the store's lock too. Errors as {@link release}. */
export async function releaseClaimed(
  store: Store,
  record: CompositionRecord,
  plugins: readonly LoadedPlugin[],
): Promise<ReleaseResult> {
  const plugin = pluginOf(record, plugins);
  if (plugin === undefined && record.strategy !== "") {
    const where = record.plugin === undefined ? "" : ` of ${record.plugin}`;
    throw new LaminaError(
      "failed",
      `releasing ${record.target}: its strategy ${record.strategy}${where} is not loaded`,
      { hint: record.plugin === undefined ? undefined : `Name it: --plugin ${record.plugin}` },
    );
  }
  const strategy = plugin && strategyOf(plugin);
  const shares = strategy?.traits.isolation === "shared" && record.result === "directory";
  const changed = shares ? changedIn(store, record) : [];
  const usage = usageOf(store, record);
  store.compositions.put({ ...record, state: "releasing", pid: Deno.pid });
  try {
    const { targetRemoved } = await undo(store, record, strategy);
    const { id, target, strategy: name } = record;
    return { id, target, strategy: name, targetRemoved, ...usage, changed };
  } catch (error) {
    const own = error instanceof LaminaError ? error : undefined;
    const by = record.plugin === undefined ? "" : ` by ${record.strategy} of ${record.plugin}`;
    const message = `releasing ${record.target}${by}: ${(error as Error).message}`;
    throw new LaminaError(own?.kind ?? "failed", message, {
      cause: error,
      hint: own?.hint ??
        `Remove the cause, for instance a mount in it, and release ${record.id} again.`,
    });
  }
}

/** A store that is damaged in another way is no reason not to release. */
function changedIn(store: Store, record: CompositionRecord): string[] {
  try {
    return changedFiles(store, record);
  } catch (error) {
    if (error instanceof LaminaError || error instanceof SyntaxError) return [];
    throw error;
  }
}

interface Usage {
  entries: number;
  bytes: number;
}

/** What will be freed: counted before, because afterwards it is gone. */
function usageOf(store: Store, record: CompositionRecord): Usage {
  const usage: Usage = { entries: 0, bytes: 0 };
  const cloned = Number(record.notes?.clonedBytes ?? 0);
  // What was cloned is known by its size, without what fills its last block.
  if (record.result === "directory") addUsage(record.target, usage, cloned > 0);
  addUsage(store.compositions.workspace(record.id), usage);
  // The record and the lock are no part of what a person calls the composition.
  usage.entries = Math.max(0, usage.entries - 2);
  usage.bytes = Math.max(0, usage.bytes - cloned);
  return usage;
}

/** Adds the entries below a directory, on its own filesystem, and the bytes of inodes that have no name elsewhere. */
function addUsage(path: string, usage: Usage, bySize = false): void {
  const stat = new Stat();
  const top = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (top < 0) return;
  const pending = [{ path, fd: Fd.adopt(top) }];
  const groups = new Map<number, number>();
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    using directory = at.fd;
    for (const { name, type } of readDirectory(directory.n)) {
      if (statx(directory.n, name, AT_SYMLINK_NOFOLLOW, stat) < 0) continue;
      usage.entries++;
      if (type === DT_DIR) {
        const n = openat(directory.n, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (n >= 0) pending.push({ path: "", fd: Fd.adopt(n) });
        continue;
      }
      const names = stat.nlink === 1 ? 1 : (groups.get(stat.ino) ?? 0) + 1;
      groups.set(stat.ino, names);
      if (names < stat.nlink) continue;
      const allocated = stat.blocks * 512;
      usage.bytes += bySize ? Math.min(stat.size, allocated) : allocated;
    }
  }
}
