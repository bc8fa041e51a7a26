/**
 * What undoes gzip and zstd: in any chunks, into buffers of any sizes; gzip by each library that is there, and against node:zlib too.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { concat } from "../../../src/strategy/conformance/tar.ts";
import { detectCompression, makeDecoder } from "../../../src/layer/compression.ts";
import { type InflateLibrary, inflateLibrary } from "../../../src/layer/inflate_library.ts";
import { LaminaError } from "../../../src/error.ts";
import { Slots, TooMuch } from "../../support/slots.ts";
import { bytesOf, type Target } from "../target.ts";

/** So much comes out at most. */
const MOST = 4 << 20;
const WINDOW = 8 << 20;

/** What comes out; text: the error. Those of decoders are plain ones, which the pipeline makes the input's. */
function decode(
  blob: Uint8Array,
  chunk: number,
  slot: number,
  library: InflateLibrary,
): Uint8Array | string {
  const output = new Slots(slot, MOST);
  try {
    const decoder = makeDecoder(detectCompression(blob), output, WINDOW, library);
    for (let at = 0; at < blob.length; at += chunk) decoder.push(blob.subarray(at, at + chunk));
    decoder.end();
    return output.bytes();
  } catch (error) {
    const ours = error instanceof LaminaError || error instanceof TooMuch ||
      (error as Error).constructor === Error;
    if (!ours) throw error;
    return (error as Error).message;
  }
}

/** What node makes of a blob; undefined where it refuses it, or it is not gzip. Of zstd it reads one frame only. */
function reference(blob: Uint8Array): Uint8Array | undefined {
  if (detectCompression(blob) !== "gzip") return undefined;
  try {
    return gunzipSync(blob, { maxOutputLength: MOST });
  } catch {
    return undefined;
  }
}

function assertSame(found: Uint8Array, expected: Uint8Array): void {
  // Their differences would be more than anybody can read.
  const same = found.length === expected.length && found.every((byte, i) => byte === expected[i]);
  if (!same) throw new Error(`${found.length} bytes, not those ${expected.length}`);
}

function starts(): Uint8Array[] {
  const text = bytesOf("some text that is repeated, some text that is repeated, ".repeat(20));
  const gzip = (bytes: Uint8Array, level = 6) => new Uint8Array(gzipSync(bytes, { level }));
  const zstd = (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes));
  const noise = Uint8Array.from({ length: 700 }, (_, i) => (i * i * 31 + i * 7) >> 3);
  // All optional parts of a header: extra, name, comment, checksum.
  const plain = gzip(text);
  const full = concat(
    Uint8Array.of(0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 4, 0, 65, 66, 0, 0),
    bytesOf("name\0comment\0\x12\x34"),
    plain.subarray(10),
  );
  const skipped = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
  return [
    plain,
    full,
    gzip(new Uint8Array()),
    gzip(new Uint8Array(300_000)),
    gzip(noise, 0),
    concat(plain, full, new Uint8Array(20)),
    zstd(text),
    zstd(noise),
    zstd(new Uint8Array(300_000)),
    concat(skipped, zstd(text), zstd(noise), skipped),
    text,
    bytesOf("BZh91AY"),
  ];
}

const target: Target = {
  name: "compression",
  starts,
  short: 120,
  words: ["\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\x50\x2a\x4d\x18"],
  run(blob) {
    const whole = decode(blob, Math.max(1, blob.length), 1 << 16, "node:zlib");
    const libraries = new Set<InflateLibrary>(["node:zlib", inflateLibrary()]);
    for (const library of libraries) check(blob, whole, library);
    const theirs = reference(blob);
    if (theirs !== undefined && typeof whole !== "string") {
      assertSame(theirs, whole);
    }
  },
};

/**
 * Decodes in pieces of several sizes: what comes out must be what came out of the whole by zlib. Of what zlib refuses ISA-L takes some: streams
 * with an incomplete code whose gaps nothing uses.
 */
function check(blob: Uint8Array, whole: Uint8Array | string, library: InflateLibrary): void {
  for (const [chunk, slot] of [[1, 512], [7, 1000], [64, 13], [4096, 4096], [1 << 20, 1 << 16]]) {
    // Byte by byte, what is too much would take too long.
    if (typeof whole === "string" ? whole === "too much" : whole.length > 100 * slot) continue;
    const again = decode(blob, chunk, slot, library);
    if (library !== "node:zlib" && typeof whole === "string") continue;
    // Where the error stands may decide which of two comes first.
    assertEquals(typeof again, typeof whole, `${again} and ${whole}`);
    if (typeof whole !== "string") assertSame(again as Uint8Array, whole);
  }
}

export default target;
