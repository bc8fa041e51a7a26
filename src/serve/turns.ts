/**
 * One thing after the other, in the order in which it was asked for.
 *
 * @module
 */

/** A line to stand in. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /**
   * Waits for the turn of who calls, and then for what it needs; both last until disposal.
   *
   * @param waiting Ends the waiting.
   * @throws The signal's reason.
   */
  async take(
    waiting: AbortSignal,
    need: (waiting: AbortSignal) => Promise<Disposable>,
  ): Promise<Disposable> {
    using turn = new DisposableStack();
    const before = this.#last;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last = promise;
    turn.defer(resolve);
    await before;
    waiting.throwIfAborted();
    turn.use(await need(waiting));
    return turn.move();
  }
}
