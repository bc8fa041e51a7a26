/**
 * Which compression a blob has.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { GzipDecoder } from "./gzip.ts";
import { type Decoder, type Output, put } from "./decoder.ts";
import type { InflateLibrary } from "./inflate_library.ts";
import { ZstdDecoder } from "./zstd.ts";

/** First bytes of what is told apart; what none of them starts is taken as it is. */
const MAGICS: readonly (readonly [magic: readonly number[], name: Compression])[] = [
  [[0x1f, 0x8b], "gzip"],
  [[0x28, 0xb5, 0x2f, 0xfd], "zstd"],
  // A frame that a decoder skips: what chunked zstd blobs may start with. Its first byte has 16 values.
  ...Array.from({ length: 16 }, (_, i) => [[0x50 + i, 0x2a, 0x4d, 0x18], "zstd"] as const),
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "xz"],
  [[0x42, 0x5a, 0x68], "bzip2"],
];

/** How a blob is compressed, or was once upon a time. */
export type Compression = "gzip" | "zstd" | "xz" | "bzip2" | "none";

/** Tells the compression by a blob's first bytes, whatever its media type says. */
export function detectCompression(start: Uint8Array): Compression {
  for (const [magic, name] of MAGICS) {
    if (magic.every((byte, index) => start[index] === byte)) return name;
  }
  return "none";
}

/**
 * @param output Where the archive's bytes go.
 * @param window Bytes of the largest zstd window.
 * @param library What inflates gzip; default: see {@link GzipDecoder}.
 * @throws {LaminaError} `unsupported`: xz and bzip2, which no layer may have.
 */
export function makeDecoder(
  compression: Compression,
  output: Output,
  window: number,
  library?: InflateLibrary,
): Decoder {
  switch (compression) {
    case "gzip":
      return new GzipDecoder(output, library);
    case "zstd":
      return new ZstdDecoder(output, window);
    case "none":
      return { push: (input) => put(output, input), end: () => {} };
    default:
      throw new LaminaError("unsupported", `it is compressed with ${compression}`, {
        hint:
          "Layers are tar archives as they are, or compressed with gzip or zstd: make the image again so.",
      });
  }
}
