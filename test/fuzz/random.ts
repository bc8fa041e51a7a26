/**
 * Random numbers that a seed decides, and structures that bytes decide.
 *
 * @module
 */

/** Numbers of a seed: the same ones on every host (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 random bits. */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number from 0 to the one before `end`. */
  below(end: number): number {
    return end <= 1 ? 0 : this.u32() % end;
  }

  /** True once in `n` times. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** A length: short ones more often than long ones. */
  length(most: number): number {
    return Math.min(most, 1 + this.below(1 << this.below(10)));
  }
}

/**
 * Bytes as a list of choices, so that a mutated input is a mutated structure. Where they are used up, every choice is the first.
 */
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether there are any left. */
  get more(): boolean {
    return this.#at < this.#bytes.length;
  }

  /** A whole number from 0 to the one before `end`, at most 256. */
  below(end: number): number {
    return (this.#bytes[this.#at++] ?? 0) % end;
  }

  /** One of a list. */
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }
}
