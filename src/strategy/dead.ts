/**
 * Compositions that a reboot ended.
 *
 * @module
 */

import type { CompositionRecord, Store } from "../store/mod.ts";
import type { LoadedPlugin } from "./loader.ts";
import { bootId } from "./memory.ts";
import { release, type ReleaseResult } from "./release.ts";

/** A composition that is not there any more, but has something of its user's, so that only its user may release it. */
export interface Stale {
  /** Its record. */
  readonly record: CompositionRecord;
  /** What is left of it, in words. */
  readonly reason: string;
}

/** Mounts of an earlier boot, by what is left of them. */
export function findDead(store: Store): { dead: CompositionRecord[]; stale: Stale[] } {
  const boot = bootId();
  const dead: CompositionRecord[] = [];
  const stale: Stale[] = [];
  for (const record of store.compositions.list()) {
    if (record.state !== "ready" || record.result !== "mount" || record.bootId === boot) continue;
    // What was written to a tmpfs, or could not be written, is gone with the mount.
    if (record.access === "ro" || record.upper?.kind === "tmpfs") dead.push(record);
    else stale.push({ record, reason: "its mount went with a reboot; what was written is kept" });
  }
  return { dead, stale };
}

/** Releases what a reboot ended without leaving anything; those that fail stay on record. */
export async function releaseDead(
  store: Store,
  plugins: readonly LoadedPlugin[],
): Promise<ReleaseResult[]> {
  const released: ReleaseResult[] = [];
  for (const { id } of findDead(store).dead) {
    try {
      released.push(await release(store, id, { plugins }));
    } catch {
      // Whoever releases it by name is told why it does not go.
    }
  }
  return released;
}
