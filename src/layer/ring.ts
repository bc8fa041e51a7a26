/**
 * A ring of buffers in shared memory between two threads: one fills them, the other empties them. What goes through is hashed by
 * whichever of them has time: the filling side where there is nothing to fill, else the emptying side before it gives a buffer back.
 *
 * @module
 */

import { SharedSha256 } from "../linux/shared_sha256.ts";

/** Bytes of one buffer. Measured: 256 KiB to 1 MiB are alike, and both threads' buffers stay in the cache of the processor. */
export const SLOT_BYTES = 512 * 1024;
const SLOTS = 8;

// Words of the control block.
/** Buffers filled so far. */
const HEAD = 0;
/** Buffers emptied so far. */
const TAIL = 1;
const STATE = 2;
/** Changes with everything that the emptying side may be waiting for. */
const FILLED = 3;
/** Changes with everything that the filling side may be waiting for. */
const EMPTIED = 4;
/** Buffers hashed so far. */
const HASHED = 5;
/** 1 while a thread hashes. */
const HASHING = 6;
/** From here on: bytes in each buffer. */
const LENGTHS = 8;

/** Where the hash is, in bytes. */
const HASH = 1024;

/** Milliseconds after which a thread that waits for the other one's hashing looks whether that is still there. */
const PATIENCE = 100;

/** Counters go round at a multiple of SLOTS. */
const COUNTER = 0x3fffffff;

// How a ring stands.
/** Buffers come and go. */
const RUNNING = 0;
/** All is there, and the blob is what its digest says. */
const FINISHED = 1;
/** All of it has been taken and written. */
const WRITTEN = 2;
/** What was written is durable. */
const DURABLE = 3;
// From here on nothing changes any more.
/** The filling side failed: what came is not to be used. */
const SOURCE_FAILED = 4;
/** The emptying side failed: nobody will read more. */
const SINK_FAILED = 5;
/** Both are to stop. */
const CANCELLED = 6;

/** Thrown out of a ring's methods when the other side has failed, or all is cancelled: that side has the reason. */
export class RingStopped extends Error {
  override readonly name = "RingStopped";
}

/** The ring as both threads and the one that started them see it. Any thread may make one over the same memory. */
export class Ring {
  /** What to hand to another thread. */
  readonly memory: SharedArrayBuffer;
  readonly #control: Int32Array;
  readonly #slots: Uint8Array[] = [];
  /** Null: there is no library that can do it. */
  #hash: SharedSha256 | null | undefined;

  /** @param memory That of another thread's ring; without it a new ring is made. */
  constructor(memory?: SharedArrayBuffer) {
    const control = (LENGTHS + SLOTS) * 4;
    this.memory = memory ?? new SharedArrayBuffer(4096 + SLOTS * SLOT_BYTES);
    this.#control = new Int32Array(this.memory, 0, control / 4);
    for (let i = 0; i < SLOTS; i++) {
      this.#slots.push(new Uint8Array(this.memory, 4096 + i * SLOT_BYTES, SLOT_BYTES));
    }
  }

  /** Makes it new, while no other thread uses it. */
  reset(): void {
    this.#control.fill(0);
  }

  /** Whether all was cancelled. */
  get cancelled(): boolean {
    return this.#state === CANCELLED;
  }

  /** Ends the work of both sides, unless it is over. */
  cancel(): void {
    this.#enter(CANCELLED);
  }

  /**
   * The filling side: waits for an empty buffer.
   *
   * @throws {RingStopped} Nobody will read it.
   */
  acquire(): Uint8Array {
    const control = this.#control;
    for (;;) {
      const event = Atomics.load(control, EMPTIED);
      if (this.#state !== RUNNING) throw new RingStopped();
      const head = Atomics.load(control, HEAD);
      if (((head - Atomics.load(control, TAIL)) & COUNTER) < SLOTS) {
        return this.#slots[head % SLOTS];
      }
      if (!this.#hashNext()) Atomics.wait(control, EMPTIED, event);
    }
  }

  /** The filling side: hands over the buffer that {@link acquire} gave, with `length` bytes in it. */
  publish(length: number): void {
    const control = this.#control;
    control[LENGTHS + control[HEAD] % SLOTS] = length;
    Atomics.store(control, HEAD, (control[HEAD] + 1) & COUNTER);
    this.#signal(FILLED);
  }

  /**
   * The filling side: waits until all that was handed over is hashed; see {@link digest}.
   *
   * @throws {RingStopped} Nobody reads it any more.
   */
  awaitHashed(): void {
    const control = this.#control;
    this.#awaitHash(() => Atomics.load(control, HASHED) === control[HEAD], RUNNING);
  }

  /** The filling side: all has been handed over and is to be trusted. */
  finish(): void {
    this.#enter(FINISHED);
  }

  /**
   * The filling side: waits until all has been written.
   *
   * @throws {RingStopped} It will not be.
   */
  awaitWritten(): void {
    this.#await(WRITTEN, EMPTIED);
  }

  /** The filling side: what was written is durable. */
  durable(): void {
    this.#enter(DURABLE);
  }

  /** The filling side failed. */
  failSource(): void {
    this.#enter(SOURCE_FAILED);
  }

  /** The emptying side: all has been written. */
  written(): void {
    this.#enter(WRITTEN);
  }

  /**
   * The emptying side: waits until what it wrote is durable.
   *
   * @throws {RingStopped} It will not be.
   */
  awaitDurable(): void {
    this.#await(DURABLE, FILLED);
  }

  /** The emptying side failed. */
  failSink(): void {
    this.#enter(SINK_FAILED);
  }

  /**
   * The emptying side: waits for a full buffer: its bytes, or undefined at the end of a stream that is to be trusted.
   *
   * @throws {RingStopped} The stream is not to be trusted.
   */
  next(): Uint8Array | undefined {
    const control = this.#control;
    for (;;) {
      const event = Atomics.load(control, FILLED);
      const state = this.#state;
      if (state > FINISHED) throw new RingStopped();
      const tail = control[TAIL];
      if (Atomics.load(control, HEAD) !== tail) {
        const slot = tail % SLOTS;
        return this.#slots[slot].subarray(0, control[LENGTHS + slot]);
      }
      if (state === FINISHED) return undefined;
      Atomics.wait(control, FILLED, event);
    }
  }

  /** Whether what goes through is hashed; else each side has to do it that wants a digest. */
  get hashes(): boolean {
    return this.#sha256 !== null;
  }

  /** The SHA-256 of all that went through, 32 bytes: once it is all hashed, as what was given back is. */
  digest(): Uint8Array {
    const hash = this.#sha256!;
    if (Atomics.load(this.#control, HASHED) === 0) hash.init();
    return hash.digest();
  }

  /**
   * The emptying side: gives back the buffer that {@link next} gave, once it is hashed.
   *
   * @throws {RingStopped} The other side failed, or all is cancelled.
   */
  release(): void {
    const control = this.#control;
    if (this.hashes) {
      this.#awaitHash(() => Atomics.load(control, HASHED) !== control[TAIL], FINISHED);
    }
    Atomics.store(control, TAIL, (control[TAIL] + 1) & COUNTER);
    this.#signal(EMPTIED);
  }

  get #sha256(): SharedSha256 | null {
    if (this.#hash === undefined) this.#hash = SharedSha256.at(this.memory, HASH) ?? null;
    return this.#hash;
  }

  /** Hashes the next buffer. Returns false where there is none, or the other thread is at it. */
  #hashNext(): boolean {
    const control = this.#control;
    const hash = this.#sha256;
    if (hash === null || Atomics.compareExchange(control, HASHING, 0, 1) !== 0) return false;
    try {
      const hashed = Atomics.load(control, HASHED);
      // Not beyond what is filled; what is given back was hashed before.
      if (hashed === Atomics.load(control, HEAD)) return false;
      if (hashed === 0) hash.init();
      const slot = hashed % SLOTS;
      hash.update(this.#slots[slot].subarray(0, control[LENGTHS + slot]));
      Atomics.store(control, HASHED, (hashed + 1) & COUNTER);
      return true;
    } finally {
      Atomics.store(control, HASHING, 0);
      Atomics.notify(control, HASHING);
    }
  }

  /** Hashes, or waits for the thread that does, until enough is done. Gives up in a state beyond `last`. */
  #awaitHash(done: () => boolean, last: number): void {
    while (!done()) {
      if (this.#hashNext()) continue;
      if (this.#state > last) throw new RingStopped();
      Atomics.wait(this.#control, HASHING, 1, PATIENCE);
    }
  }

  get #state(): number {
    return Atomics.load(this.#control, STATE);
  }

  /** Goes on to a later state, unless all is over. */
  #enter(state: number): void {
    const control = this.#control;
    for (;;) {
      const old = this.#state;
      if (old >= SOURCE_FAILED) return;
      if (Atomics.compareExchange(control, STATE, old, state) === old) break;
    }
    this.#signal(FILLED);
    this.#signal(EMPTIED);
  }

  #await(state: number, word: number): void {
    for (;;) {
      const event = Atomics.load(this.#control, word);
      const now = this.#state;
      if (now === state) return;
      if (now > state) throw new RingStopped();
      if (word === EMPTIED && this.#hashNext()) continue;
      Atomics.wait(this.#control, word, event);
    }
  }

  #signal(word: number): void {
    Atomics.add(this.#control, word, 1);
    Atomics.notify(this.#control, word);
  }
}
