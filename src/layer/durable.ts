/**
 * Makes what was unpacked durable, while the other thread writes the index.
 *
 * @module
 */

import { check, Fd, O_DIRECTORY, O_RDONLY, syncfs } from "../linux/mod.ts";
import { explain } from "./failure.ts";
import { type Ring, RingStopped } from "./ring.ts";
import type { LayerSource, LayerTarget } from "./types.ts";

/**
 * Waits until all is written, and makes it durable. Only then may objects be linked: after a power failure a link to content that was
 * not on disk would be an object with wrong content, for others to share.
 *
 * @throws {LaminaError} With the layer's digest.
 * @throws {RingStopped} The other side failed, or all is cancelled.
 */
export function makeDurable(source: LayerSource, target: LayerTarget, ring: Ring): void {
  try {
    ring.awaitWritten();
    using staging = Fd.open(target.staging, O_RDONLY | O_DIRECTORY);
    check(syncfs(staging.n), "syncfs", target.staging);
    ring.durable();
  } catch (error) {
    ring.failSource();
    throw error instanceof RingStopped
      ? error
      : explain(error, `making layer ${source.digest} durable`);
  }
}
