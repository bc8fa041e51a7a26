/**
 * Digests, each once.
 *
 * @module
 */

const SIZE = 32;

/** Distinct SHA-256 digests, numbered as they come: for as many as a tree has contents, which as objects would be most of its memory. */
export class DigestTable {
  /** How many there are. */
  length = 0;
  /** The digests by number, one after the other; another array after {@link add}. */
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(SIZE << 7);
  /** Open hash table of the numbers (+ 1), at most half full. */
  #slots = new Int32Array(1 << 8);
  /** Random, so that nobody can choose digests whose places collide. */
  readonly #seed = Math.floor(Math.random() * 2 ** 32);

  /** The number of a digest, which is added where it is new. */
  add(digest: Uint8Array): number {
    const known = this.#find(digest);
    if (known >= 0) return known;
    const number = this.length++;
    if (this.length * SIZE > this.bytes.length) {
      const larger = new Uint8Array(2 * this.bytes.length);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes.set(digest, number * SIZE);
    this.#slots[-1 - known] = number + 1;
    if (2 * this.length > this.#slots.length) this.#grow();
    return number;
  }

  /** The n-th digest: part of {@link bytes}. */
  digest(n: number): Uint8Array {
    return this.bytes.subarray(n * SIZE, (n + 1) * SIZE);
  }

  /** The number of a digest, or -1 - the slot that is free for it. */
  #find(digest: Uint8Array): number {
    const { bytes } = this;
    const mask = this.#slots.length - 1;
    let slot = this.#hash(digest, 0) & mask;
    for (let number = 0; (number = this.#slots[slot] - 1) >= 0; slot = slot + 1 & mask) {
      let i = 0;
      while (i < SIZE && bytes[number * SIZE + i] === digest[i]) i++;
      if (i === SIZE) return number;
    }
    return -1 - slot;
  }

  /** Of all 32 bytes: a dump can name any digests, such as many that begin alike. */
  #hash(bytes: Uint8Array, at: number): number {
    let hash = this.#seed;
    for (const end = at + SIZE; at < end; at += 4) {
      const word = bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
      hash = Math.imul(hash ^ word, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    return hash >>> 0;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    for (let number = 0; number < this.length; number++) {
      let slot = this.#hash(this.bytes, number * SIZE) & mask;
      while (slots[slot] !== 0) slot = slot + 1 & mask;
      slots[slot] = number + 1;
    }
    this.#slots = slots;
  }
}
