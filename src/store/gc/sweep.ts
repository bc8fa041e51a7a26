/**
 * Removal of objects in slices, so that pulls and compositions never wait for long.
 *
 * @module
 */

import { listDirectory } from "../atomic.ts";
import type { Store } from "../store.ts";
import { forgetSweep } from "./leftovers.ts";
import { ObjectSweeper } from "./objects.ts";

/** Longest time for which others are kept out at once while objects are unlinked, in milliseconds. */
const SLICE = 20;

/** Unlinks contents that nobody needs, and never keeps others waiting for long. */
export async function sweepObjects(
  store: Store,
  contents: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  await inSlices(store, contents, (objects, payload) => objects.sweep(payload), signal);
}

/** Looks at all objects, for those that a crash left. */
export async function sweepAll(store: Store, signal: AbortSignal | undefined): Promise<void> {
  using objects = new ObjectSweeper(store.layout.objects);
  await inSlices(
    store,
    objects.directories(),
    (sweeper, name) => sweeper.sweepDirectory(name),
    signal,
  );
  // What a repair put aside has its objects as long as it is there, and goes by no collection.
  if (listDirectory(store.layout.quarantine).length === 0) forgetSweep(store.layout);
}

async function inSlices(
  store: Store,
  items: Iterable<string>,
  sweep: (objects: ObjectSweeper, item: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  using objects = new ObjectSweeper(store.layout.objects);
  const left = items[Symbol.iterator]();
  for (let next = left.next(); !next.done;) {
    using _alone = await store.alone(signal);
    const end = performance.now() + SLICE;
    for (; !next.done && performance.now() < end; next = left.next()) sweep(objects, next.value);
  }
}
