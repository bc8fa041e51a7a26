/**
 * Files that are written from their beginning to their end.
 *
 * @module
 */

/** Bytes that are kept back: more than is written at any one place. */
const WINDOW = 1 << 20;
/** What is handed out is so many bytes, or a multiple of it. */
const UNIT = 4096;

/** The content of a file that is made in order of places, through a window of it. Where nothing is put, it is zeros. */
export class ForwardWriter {
  /** The window. */
  readonly bytes: Uint8Array<ArrayBuffer> = new Uint8Array(WINDOW);
  /** The same by 16 bits. */
  readonly u16: Uint16Array = new Uint16Array(this.bytes.buffer);
  /** The same by 32 bits. */
  readonly u32: Uint32Array = new Uint32Array(this.bytes.buffer);
  readonly #write: (piece: Uint8Array<ArrayBuffer>) => void;
  /** Where in the file the window begins. */
  #base = 0;

  /** @param write Takes the file's bytes, piece after piece; each is valid until it returns. */
  constructor(write: (piece: Uint8Array<ArrayBuffer>) => void) {
    this.#write = write;
  }

  /**
   * Brings a place into the window; what lies before it is done.
   *
   * @param place In the file; not before the one of an earlier call by more than {@link UNIT}.
   * @param length How many bytes of it are to be written: much less than the window has.
   * @returns Where it is in {@link bytes}.
   */
  reach(place: number, length: number): number {
    while (place + length > this.#base + WINDOW) this.#advance(place);
    return place - this.#base;
  }

  /** Writes what is left. */
  end(size: number): void {
    while (size > this.#base + WINDOW) this.#advance(size);
    if (size > this.#base) this.#write(this.bytes.subarray(0, size - this.#base));
  }

  /** Writes what lies before a place, at most the window. */
  #advance(place: number): void {
    const { bytes } = this;
    const done = Math.min(WINDOW, Math.floor((place - this.#base) / UNIT) * UNIT);
    this.#write(bytes.subarray(0, done));
    bytes.copyWithin(0, done);
    bytes.fill(0, WINDOW - done);
    this.#base += done;
  }
}
