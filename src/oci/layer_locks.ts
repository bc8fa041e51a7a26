/**
 * Whose work a layer is, when several pulls want it.
 *
 * @module
 */

import { FileLock } from "../linux/mod.ts";
import type { Store } from "../store/mod.ts";

/** Longest time between two looks at a lock that another process holds, in milliseconds. */
const PATIENCE = 200;

/**
 * Takes the locks of those layers that nobody is ingesting, at least one; waits while there is none. Nothing is held while it waits, so pulls never
 * wait for each other in a circle, and timers and signals run.
 *
 * @param diffIds Layers that are missing; not empty.
 * @param stillMissing Asked before each look: a layer that another process has brought is no longer waited for.
 * @returns The layers that are ours until disposal; none when none is missing any more.
 */
export async function claimLayers(
  store: Store,
  diffIds: readonly string[],
  stillMissing: (diffId: string) => boolean,
  signal: AbortSignal | undefined,
): Promise<Claim> {
  for (let pause = 5;; pause = Math.min(PATIENCE, pause * 2)) {
    signal?.throwIfAborted();
    const claim = new Claim();
    let waiting = false;
    for (const diffId of diffIds) {
      if (!stillMissing(diffId)) continue;
      const lock = FileLock.tryExclusive(store.layout.layerLock(diffId));
      if (lock === undefined) waiting = true;
      // Another process may have entered it between the look and the lock.
      else if (stillMissing(diffId)) claim.add(diffId, lock);
      else lock[Symbol.dispose]();
    }
    if (claim.diffIds.size > 0 || !waiting) return claim;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Layers whose ingest is ours. */
export class Claim implements Disposable {
  /** The layers. */
  readonly diffIds = new Set<string>();
  readonly #locks = new DisposableStack();

  /** Adds a layer with its lock. */
  add(diffId: string, lock: FileLock): void {
    this.diffIds.add(diffId);
    this.#locks.use(lock);
  }

  /** Gives the locks up. */
  [Symbol.dispose](): void {
    this.#locks.dispose();
  }
}
