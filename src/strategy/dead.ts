/**
 * Compositions that ended without being released: by a reboot, with the process that was at them, or unmounted by hand.
 *
 * @module
 */

import { readMounts } from "../linux/mod.ts";
import type { Finding } from "../store/fsck/finding.ts";
import { readable } from "../store/fsck/records.ts";
import type { CompositionRecord, Store } from "../store/mod.ts";
import { claim, clearUnrecorded, findUnrecorded, isUnfinished, lockRecords } from "./lifecycle.ts";
import type { LoadedPlugin } from "./loader.ts";
import { bootId } from "./memory.ts";
import { release, type ReleaseResult } from "./release.ts";

/** A composition that is not there any more. */
export interface Ended {
  /** Its record. */
  readonly record: CompositionRecord;
  /** `unmounted`: somebody else may still see it. */
  readonly state: "dead" | "unmounted";
  /** What became of it, in words. */
  readonly reason: string;
}

/**
 * Compositions that are not there any more. What is `stale` has something of its user's, so that only its user may release it; the `dead`
 * have nothing.
 *
 * A mount that is not at its target, in the boot that it was made in, was unmounted by hand; or it is in another mount namespace, which only who is
 * there can say. So it is `stale`.
 */
export function findDead(
  store: Store,
  records: readonly CompositionRecord[] = store.compositions.list(),
): { dead: Ended[]; stale: Ended[] } {
  const boot = bootId();
  const dead: Ended[] = [];
  const stale: Ended[] = [];
  let mounted: ReadonlySet<string> | undefined;
  for (const record of records) {
    if (record.state !== "ready") {
      if (isAbandoned(store, record)) dead.push({ record, state: "dead", reason: left(record) });
    } else if (record.result !== "mount") continue;
    else if (record.bootId === boot) {
      mounted ??= mountPoints(records);
      if (mounted.has(record.target)) continue;
      const reason = "nothing is mounted there, as seen from this mount namespace";
      stale.push({ record, state: "unmounted", reason });
    } else if (record.access === "ro" || record.upper?.kind === "tmpfs") {
      // What was written to a tmpfs, or could not be written, is gone with the mount.
      dead.push({ record, state: "dead", reason: "its mount went with a reboot" });
    } else {
      const reason = "its mount went with a reboot; what was written is kept";
      stale.push({ record, state: "dead", reason });
    }
  }
  return { dead, stale };
}

/** Where something is mounted. Without /proc nobody can say: then all targets count. */
function mountPoints(records: readonly CompositionRecord[]): ReadonlySet<string> {
  try {
    return new Set(readMounts().map(({ path }) => path));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return new Set(records.map(({ target }) => target));
  }
}

function isAbandoned(store: Store, { id }: CompositionRecord): boolean {
  using lock = claim(store, id);
  return lock !== undefined && isUnfinished(store.compositions.get(id));
}

function left({ state, pid }: CompositionRecord): string {
  return `process ${pid} died while ${state === "held" ? "using" : state} it`;
}

/** Those of a store as a check of the store says them. */
export function endedFindings(store: Store): Finding[] {
  const { dead, stale } = findDead(store, readable(store));
  const finding = ({ record: { id, target }, reason }: Ended, how: string): Finding => ({
    kind: "composition-ended",
    severity: "reclaimable",
    id,
    path: target,
    message: `${reason}: ${how}`,
    images: [],
  });
  return [
    ...dead.map((one) => finding(one, "lamina gc")),
    ...stale.map((one) => finding(one, `lamina release ${one.record.id}`)),
    ...findUnrecorded(store).map((id): Finding => {
      const path = store.compositions.workspace(id);
      return {
        kind: "composition-ended",
        severity: "reclaimable",
        id,
        path,
        message:
          `its record and its mount went in a power cut; what was written is kept: take it out of ${path}/upper, and remove ${path}`,
        images: [],
      };
    }),
  ];
}

/** Removes what is left of compositions that came to no record. */
export function clearBegun(store: Store): void {
  using _records = lockRecords(store);
  clearUnrecorded(store);
}

/** Releases what {@link findDead} calls dead; those that fail stay on record. */
export async function releaseDead(
  store: Store,
  plugins: readonly LoadedPlugin[],
): Promise<(ReleaseResult & { readonly reason: string })[]> {
  const released: (ReleaseResult & { readonly reason: string })[] = [];
  for (const { record, reason } of findDead(store, readable(store)).dead) {
    try {
      released.push({ ...await release(store, record.id, { plugins }), reason });
    } catch {
      // Whoever releases it by name is told why it does not go.
    }
  }
  return released;
}
