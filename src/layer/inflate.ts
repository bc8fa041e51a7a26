/**
 * The first half of an ingest: reads a blob, checks its digest, undoes its compression into a ring.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { LaminaError } from "../error.ts";
import type { Limits } from "../limits.ts";
import { check, Fd, O_RDONLY, POSIX_FADV_SEQUENTIAL, posixFadvise, pread } from "../linux/mod.ts";
import { detectCompression, makeDecoder } from "./compression.ts";
import { type Decoder, SlotWriter } from "./decoder.ts";
import { explain } from "./failure.ts";
import { type Ring, RingStopped } from "./ring.ts";
import { type BlobSource, READ } from "./types.ts";

/** Bytes read at a time. */
const CHUNK = 256 * 1024;

/**
 * Reads a layer's blob into a ring, which is finished only when the blob is what its digest says.
 *
 * If the archive in it turns out to be broken, here or at the other side, the blob is still read to its end: a wrong digest is
 * then the reason to be told.
 *
 * @throws {LaminaError} With the layer's digest: the blob cannot be read, is not what its digest says, or cannot be decompressed.
 * @throws {RingStopped} The other side failed, and the blob is right; or all is cancelled.
 */
export function inflateBlob(
  source: BlobSource,
  ring: Ring,
  limits: Limits,
  image: BigInt64Array,
  counters: BigInt64Array,
): void {
  const doing = `reading layer ${source.digest}`;
  try {
    const blob = new BlobReader(source, counters);
    using _ = blob;
    let output: SlotWriter | undefined;
    let decoder: Decoder | undefined;
    let failure: unknown;
    for (let chunk = blob.read(); chunk.length > 0; chunk = blob.read()) {
      if (failure !== undefined) continue;
      try {
        if (decoder === undefined) {
          output = new SlotWriter(ring, limits, image, source.length);
          decoder = makeDecoder(detectCompression(chunk), output, limits.zstdWindow);
        }
        decoder.push(chunk);
      } catch (error) {
        if (ring.cancelled) throw error;
        failure = malformed(error);
      }
    }
    blob.verify();
    if (failure !== undefined) throw failure;
    try {
      decoder?.end();
    } catch (error) {
      throw malformed(error);
    }
    output?.flush();
    ring.finish();
  } catch (error) {
    ring.failSource();
    throw error instanceof RingStopped ? error : explain(error, doing);
  }
}

/** What a decoder says about its input, as an error of the input; what else went wrong as it is. */
function malformed(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof LaminaError || error instanceof RingStopped) {
    return error;
  }
  return new LaminaError("invalid", error.message, {
    hint: "The image was made wrongly: build it again.",
    cause: error,
  });
}

/** A blob, read from its start to its end and hashed on the way. */
class BlobReader implements Disposable {
  readonly #source: BlobSource;
  readonly #counters: BigInt64Array;
  readonly #fd: Fd;
  readonly #hash = createHash("sha256");
  readonly #buffer = new Uint8Array(CHUNK);
  #read = 0;

  constructor(source: BlobSource, counters: BigInt64Array) {
    if (!/^sha256:[0-9a-f]{64}$/.test(source.digest)) {
      throw new LaminaError("unsupported", "its digest is not sha256: and 64 hex digits");
    }
    this.#source = source;
    this.#counters = counters;
    this.#fd = Fd.open(source.file, O_RDONLY);
    posixFadvise(this.#fd.n, source.offset, source.length, POSIX_FADV_SEQUENTIAL);
  }

  /** The next bytes, in a buffer that the next call fills again; empty at the end of the blob. */
  read(): Uint8Array {
    const { file, offset, length } = this.#source;
    const wanted = Math.min(CHUNK, length - this.#read);
    if (wanted === 0) return this.#buffer.subarray(0, 0);
    const got = check(
      pread(this.#fd.n, this.#buffer.subarray(0, wanted), offset + this.#read),
      "read",
      file,
    );
    if (got === 0) {
      throw new LaminaError(
        "invalid",
        `the blob is cut short: ${file} has ${this.#read} of its ${length} bytes`,
        { hint: "Fetch the image again." },
      );
    }
    this.#read += got;
    Atomics.store(this.#counters, READ, BigInt(this.#read));
    const chunk = this.#buffer.subarray(0, got);
    this.#hash.update(chunk);
    return chunk;
  }

  /** Compares the digest, after all has been read. */
  verify(): void {
    const actual = `sha256:${this.#hash.digest("hex")}`;
    if (actual === this.#source.digest) return;
    throw new LaminaError(
      "invalid",
      `the blob is not what its digest says: its SHA-256 is ${actual}`,
      { hint: "It was changed or damaged on its way: fetch the image again." },
    );
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
