/**
 * Compositions as `ps` and the server show them.
 *
 * @module
 */

import type { CompositionRecord, Store } from "../store/mod.ts";
import { type Ended, findDead } from "../strategy/dead.ts";

/** A composition, and what became of it. */
export interface ShownComposition extends CompositionRecord {
  /** Why it is not there any more, in words; null where it is. */
  readonly ended: string | null;
}

/** Adds to compositions what their records do not say. */
export function shownCompositions(
  store: Store,
  records: readonly CompositionRecord[],
): {
  readonly shown: ShownComposition;
  readonly state: CompositionRecord["state"] | Ended["state"];
}[] {
  const { dead, stale } = findDead(store, records);
  const ended = new Map([...dead, ...stale].map((one) => [one.record.id, one]));
  return records.map((record) => {
    const end = ended.get(record.id);
    return { shown: { ...record, ended: end?.reason ?? null }, state: end?.state ?? record.state };
  });
}
