/**
 * The store's lock: shared by who uses the store, taken alone by who collects or repairs.
 *
 * flock(2) is not fair: where sharers overlap without end, nobody ever has a lock alone. So each lock has a turnstile, a second file that
 * sharers pass through and that a waiter for the lock keeps shut. But a composition, which takes milliseconds, must not wait for a
 * collector that waits for a pull, which takes minutes. So there are two such locks: `work` is held by what takes long, `store` by all. Who
 * wants the store alone waits for long work first, while compositions go on, and for these last.
 *
 * @module
 */

import { EROFS, FileLock, SysError } from "../linux/mod.ts";
import type { Layout } from "./layout.ts";

/** Longest time between two looks at a lock that others hold, in milliseconds. */
const PATIENCE = 100;

/**
 * How many times this process holds, or waits for, the lock of a store, by its file. Who holds it must not wait at a turnstile that is shut
 * by one who waits for him; nor may who blocks the thread, if the one to open it runs in this thread.
 */
const mine = new Map<string, number>();

/** The lock of one store. */
export class StoreLock {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Shares the store for moments. Blocks the thread while somebody has it alone, or is the next to have it. */
  shared(): Disposable {
    using locks = new DisposableStack();
    if (!this.#enter(locks)) passTurnstile(this.#layout.storeLock);
    locks.use(unlessReadOnly(() => FileLock.shared(this.#layout.storeLock)));
    return locks.move();
  }

  /**
   * Like {@link shared}, but timers, signals and whatever else this thread does go on while it waits. What takes the lock by {@link shared} as long as
   * this one is held has it at once.
   *
   * @throws The signal's reason.
   */
  async sharing(signal?: AbortSignal): Promise<Disposable> {
    const { storeLock } = this.#layout;
    const take = (path: string) => () => unlessReadOnly(() => FileLock.tryShared(path));
    using locks = new DisposableStack();
    if (!this.#enter(locks)) {
      using _turn = await wait(take(turnstile(storeLock)), signal);
    }
    locks.use(await wait(take(storeLock), signal));
    return locks.move();
  }

  /**
   * Shares the store for as long as it takes: behind those who wait to have it alone.
   *
   * @throws The signal's reason.
   */
  async working(signal?: AbortSignal): Promise<Disposable> {
    const { workLock, storeLock } = this.#layout;
    using locks = new DisposableStack();
    if (this.#enter(locks)) {
      // It is part of something that holds the store: it goes on whether or not somebody waits.
      locks.use(unlessReadOnly(() => FileLock.tryShared(workLock) ?? NOTHING));
    } else {
      const take = (path: string) => () => unlessReadOnly(() => FileLock.tryShared(path));
      {
        using _turn = await wait(take(turnstile(workLock)), signal);
        locks.use(await wait(take(workLock), signal));
      }
      passTurnstile(storeLock);
    }
    locks.use(unlessReadOnly(() => FileLock.shared(storeLock)));
    return locks.move();
  }

  /**
   * Has the store alone. Waits for those who share it, while timers and signals run.
   *
   * @throws The signal's reason.
   */
  async alone(signal?: AbortSignal): Promise<Disposable> {
    using locks = new DisposableStack();
    this.#enter(locks);
    for (const lock of [this.#layout.workLock, this.#layout.storeLock]) {
      locks.use(await wait(() => FileLock.tryExclusive(turnstile(lock)), signal));
      locks.use(await wait(() => FileLock.tryExclusive(lock), signal));
    }
    return locks.move();
  }

  /** Like {@link alone}, or undefined where others share the store. */
  tryAlone(): Disposable | undefined {
    return unlessReadOnly(() => FileLock.tryExclusive(this.#layout.storeLock));
  }

  /** Notes that this process holds the lock until disposal. Returns whether it did so already. */
  #enter(locks: DisposableStack): boolean {
    const { storeLock } = this.#layout;
    const before = mine.get(storeLock) ?? 0;
    mine.set(storeLock, before + 1);
    locks.defer(() => mine.set(storeLock, mine.get(storeLock)! - 1));
    return before > 0;
  }
}

function turnstile(lock: string): string {
  return `${lock}-turn`;
}

function passTurnstile(lock: string): void {
  using _turn = unlessReadOnly(() => FileLock.shared(turnstile(lock)));
}

const NOTHING: Disposable = { [Symbol.dispose]() {} };

/** Takes a lock; on a filesystem where nobody can write, and so nobody collects, one that was never made is as good as had. */
export function unlessReadOnly<Lock extends Disposable | undefined>(
  take: () => Lock,
): Lock | Disposable {
  try {
    return take();
  } catch (error) {
    if (error instanceof SysError && error.errno === EROFS) return NOTHING;
    throw error;
  }
}

/** Waits for a lock, while timers and signals run. */
export async function wait(
  take: () => Disposable | undefined,
  signal: AbortSignal | undefined,
): Promise<Disposable> {
  for (let pause = 1;; pause = Math.min(PATIENCE, pause * 2)) {
    signal?.throwIfAborted();
    const lock = take();
    if (lock !== undefined) return lock;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
