/**
 * CRC-64 with the polynomial of ISO 3309, as tar-split has it (Go's `crc64.ISO`): x⁶⁴ + x⁴ + x³ + x + 1, reflected, all bits inverted before
 * and after.
 *
 * @module
 */

/** The high halves of the table; the low halves are all 0, since all but the highest bits of the polynomial are. */
const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let [high, low] = [0, byte];
  for (let bit = 0; bit < 8; bit++) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high = (high >>> 1) ^ (carry ? 0xd8000000 : 0);
  }
  return high >>> 0;
});

/** A checksum under way. */
export class Crc64 {
  #high = ~0;
  #low = ~0;

  /** Takes the next bytes. */
  update(bytes: Uint8Array): void {
    let [high, low] = [this.#high, this.#low];
    for (let i = 0; i < bytes.length; i++) {
      const entry = TABLE[(low ^ bytes[i]) & 0xff];
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) ^ entry;
    }
    this.#high = high;
    this.#low = low;
  }

  /** The checksum, 8 bytes, the highest first. */
  digest(): Uint8Array {
    const view = new DataView(new ArrayBuffer(8));
    view.setUint32(0, ~this.#high);
    view.setUint32(4, ~this.#low);
    return new Uint8Array(view.buffer);
  }
}
