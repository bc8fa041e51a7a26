/**
 * How the threads of a walk share its work: none of it is divided beforehand. One thread begins with the root; whoever has
 * nothing to do says so, and whoever is at work then gives a directory away that it has not begun, the uppermost it knows
 * of, which it has made already. So all are busy from when they are up until the end, and a thread that comes late costs nobody
 * any waiting.
 *
 * One directory can be on its way at a time: it lies in shared memory, as its number and its path.
 *
 * @module
 */

// Places in the shared words.
/** 1 once all are to stop. */
const STOP = 0;
/** Entries done. */
const DONE = 1;
/** Threads that have work, and directories on their way. */
const BUSY = 2;
/** Threads that have none. */
const HUNGRY = 3;
/** Threads that joined; CLOSED once no more may. */
const JOINED = 4;
/** What the box holds: one of the states below. */
const BOX = 5;
/** The directory that is on its way. */
const NID = 6;
const PATH_LENGTH = 7;
/** Where its path is, in bytes. */
const PATH = 32;
const SIZE = 4096;

const EMPTY = 0;
const FULL = 1;
/** Somebody puts something in or takes it out. */
const HELD = 2;
/** Nothing will come any more. */
const OVER = 3;

const CLOSED = -1;

/** Longest sleep without a look at {@link Exchange.stopped}, in milliseconds. */
const NAP = 10;

/** A directory that is there already; what belongs into it and, but for the root, its metadata are to be made. */
export interface Unit {
  readonly nid: number;
  /** Its path in the tree, without slashes at its ends; empty for the root. */
  readonly path: Uint8Array;
}

/** Thrown in a thread that is to stop; the reason is elsewhere. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** One thread's end of it. */
export class Exchange {
  readonly #words: Int32Array;
  readonly #path: Uint8Array;

  /** @param memory What {@link Exchange.memory} made, the same for all threads. */
  constructor(memory: SharedArrayBuffer) {
    this.#words = new Int32Array(memory, 0, PATH / 4);
    this.#path = new Uint8Array(memory, PATH);
  }

  /** Memory for a walk that one thread has begun. */
  static memory(): SharedArrayBuffer {
    const memory = new SharedArrayBuffer(SIZE);
    new Int32Array(memory)[BUSY] = 1;
    return memory;
  }

  /** Has all threads stop. */
  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    Atomics.notify(this.#words, BOX);
  }

  /** Whether all threads are to stop. */
  get stopped(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }

  /** Counts entries as done. */
  count(entries: number): void {
    Atomics.add(this.#words, DONE, entries);
  }

  /** How many entries are done. */
  get done(): number {
    return Atomics.load(this.#words, DONE);
  }

  /** Lets a further thread in; false if it comes too late. */
  join(): boolean {
    for (;;) {
      const joined = Atomics.load(this.#words, JOINED);
      if (joined === CLOSED) return false;
      if (Atomics.compareExchange(this.#words, JOINED, joined, joined + 1) === joined) return true;
    }
  }

  /** Lets no further thread in. Returns how many have joined. */
  close(): number {
    return Atomics.exchange(this.#words, JOINED, CLOSED);
  }

  /** Whether a thread waits for a directory. */
  get wanted(): boolean {
    return Atomics.load(this.#words, HUNGRY) > 0 && Atomics.load(this.#words, BOX) === EMPTY;
  }

  /**
   * Gives a directory away.
   *
   * @param path Its path, NUL-terminated.
   * @param make Makes it; called once it is sure that it is given.
   * @returns False where another thread was quicker, or the path is too long.
   */
  give(nid: number, path: Uint8Array, make: () => void): boolean {
    const words = this.#words;
    if (path.length > this.#path.length) return false;
    if (Atomics.compareExchange(words, BOX, EMPTY, HELD) !== EMPTY) return false;
    make();
    words[NID] = nid;
    words[PATH_LENGTH] = path.length - 1;
    this.#path.set(path);
    Atomics.add(words, BUSY, 1);
    Atomics.store(words, BOX, FULL);
    Atomics.notify(words, BOX);
    return true;
  }

  /** Says that this thread has done its unit. */
  finish(): void {
    if (Atomics.sub(this.#words, BUSY, 1) > 1) return;
    Atomics.store(this.#words, BOX, OVER);
    Atomics.notify(this.#words, BOX);
  }

  /**
   * Waits for a directory.
   *
   * @param until On the clock of performance.now().
   * @returns Undefined where all is done, or the time is over, or all are to stop; see {@link over}.
   */
  take(until: number): Unit | undefined {
    const words = this.#words;
    Atomics.add(words, HUNGRY, 1);
    for (;;) {
      const box = Atomics.load(words, BOX);
      if (box === FULL && Atomics.compareExchange(words, BOX, FULL, HELD) === FULL) break;
      const left = until - performance.now();
      if (box === OVER || left <= 0 || this.stopped) {
        Atomics.sub(words, HUNGRY, 1);
        return undefined;
      }
      Atomics.wait(words, BOX, box, Math.min(left, NAP));
    }
    const unit = { nid: words[NID], path: this.#path.slice(0, words[PATH_LENGTH]) };
    Atomics.sub(words, HUNGRY, 1);
    Atomics.store(words, BOX, EMPTY);
    return unit;
  }

  /** Whether all is done. */
  get over(): boolean {
    return Atomics.load(this.#words, BOX) === OVER;
  }
}
