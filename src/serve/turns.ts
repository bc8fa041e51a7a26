/**
 * One thing after the other, in the order in which it was asked for.
 *
 * @module
 */

import { aboutToEnd } from "./refusal.ts";

/** A line to stand in. */
export class Turns {
  #last: Promise<void> = Promise.resolve();
  #closed = false;

  /**
   * Waits for the turn of who calls; it lasts until disposal.
   *
   * @throws {Refusal} 503 where the line is closed. The signal's reason.
   */
  async take(signal: AbortSignal): Promise<Disposable> {
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    await before;
    try {
      signal.throwIfAborted();
      if (this.#closed) throw aboutToEnd();
    } catch (error) {
      resolve();
      throw error;
    }
    return { [Symbol.dispose]: resolve };
  }

  /** Who has a turn goes on; who waits for one, or comes later, is refused. */
  close(): void {
    this.#closed = true;
  }
}
