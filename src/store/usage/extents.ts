/**
 * Extents that files share, each counted once.
 *
 * @module
 */

/** A set of ranges of a device. */
export class Extents {
  #ranges = new Float64Array(1024);
  #length = 0;

  /** Adds a range: where it begins, and its length, in bytes. */
  add(start: number, length: number): void {
    if (this.#length === this.#ranges.length) {
      const larger = new Float64Array(this.#ranges.length * 2);
      larger.set(this.#ranges);
      this.#ranges = larger;
    }
    this.#ranges[this.#length++] = start;
    this.#ranges[this.#length++] = length;
  }

  /** Bytes that are in at least one of the ranges. */
  get bytes(): number {
    const count = this.#length / 2;
    const order = Uint32Array.from({ length: count }, (_, i) => i)
      .sort((a, b) => this.#ranges[2 * a] - this.#ranges[2 * b]);
    let bytes = 0;
    let end = -Infinity;
    for (const i of order) {
      const start = Math.max(end, this.#ranges[2 * i]);
      const stop = this.#ranges[2 * i] + this.#ranges[2 * i + 1];
      if (stop <= start) continue;
      bytes += stop - start;
      end = stop;
    }
    return bytes;
  }
}
