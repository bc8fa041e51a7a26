/**
 * gzip by ISA-L and by node:zlib: the same bytes, and the same reasons to refuse.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { constants, deflateRawSync } from "node:zlib";
import { GzipDecoder } from "../../src/layer/gzip.ts";
import { type InflateLibrary, inflateLibrary } from "../../src/layer/inflate_library.ts";
import { LIBISAL } from "../../src/linux/mod.ts";
import { concat } from "../../src/strategy/conformance/tar.ts";
import { Random } from "../fuzz/random.ts";
import { needs } from "../support/root.ts";
import { Slots } from "../support/slots.ts";

const lacksIsal = inflateLibrary() === LIBISAL ? undefined : "libisal2 is not installed";
const MOST = 1 << 20;

interface Outcome {
  readonly bytes: Uint8Array;
  /** Why it was refused; undefined where it was not. */
  readonly refused: string | undefined;
}

function decode(blob: Uint8Array, library: InflateLibrary, chunk: number, slot: number): Outcome {
  const output = new Slots(slot, MOST);
  let refused: string | undefined;
  try {
    const decoder = new GzipDecoder(output, library);
    for (let at = 0; at < blob.length; at += chunk) decoder.push(blob.subarray(at, at + chunk));
    decoder.end();
  } catch (error) {
    assertEquals((error as Error).constructor, Error);
    refused = (error as Error).message;
  }
  return { bytes: output.bytes(), refused };
}

function content(random: Random): Uint8Array {
  const bytes = new Uint8Array(random.below(random.pick([2, 20, 300, 5000, 90_000])));
  const byte = random.pick([
    () => random.below(256),
    () => 97 + random.below(4),
    (i: number) => i % 71,
    (i: number) => random.oneIn(9) ? i : 0,
  ]);
  return bytes.map((_, i) => byte(i));
}

function deflate(bytes: Uint8Array, random: Random): Uint8Array {
  const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;
  return new Uint8Array(deflateRawSync(bytes, {
    level: random.pick([0, 1, 6, 9]),
    strategy: random.pick([Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]),
    memLevel: 1 + random.below(9),
    windowBits: 9 + random.below(7),
  }));
}

/** A member, its header of all kinds. */
function member(bytes: Uint8Array, deflated: Uint8Array, random: Random): Uint8Array {
  const text = (text: string) => new TextEncoder().encode(text);
  const flags = random.below(32);
  const { length } = bytes;
  return concat(
    Uint8Array.of(0x1f, 0x8b, 8, flags, 1, 2, 3, 4, 0, 255),
    (flags & 4) !== 0 ? Uint8Array.of(3, 0, 9, 0, 9) : text(""),
    (flags & 8) !== 0 ? text("a name\0") : text(""),
    (flags & 16) !== 0 ? text("a comment\0") : text(""),
    (flags & 2) !== 0 ? Uint8Array.of(1, 2) : text(""),
    deflated,
    // Nobody computes the CRC.
    Uint8Array.of(1, 2, 3, 4, length, length >> 8, length >> 16, 0),
  );
}

/** Members, what stands behind them, and what may be cut off. */
function blob(random: Random): Uint8Array {
  const members = Array.from({ length: 1 + random.below(3) }, () => {
    const bytes = content(random);
    return member(bytes, deflate(bytes, random), random);
  });
  const behind = random.pick([[], [], [0, 0, 0], [0, 1], [0x1f, 0x8b], [1]]);
  const all = concat(...members, Uint8Array.from(behind));
  return random.oneIn(3) ? all.subarray(0, random.below(all.length)) : all;
}

/** Changes some bytes, most of them where the codes of the first block are. */
function damage(blob: Uint8Array, random: Random): Uint8Array {
  const damaged = blob.slice();
  for (let n = 1 + random.below(3); n > 0; n--) {
    damaged[random.below(random.oneIn(3) ? blob.length : Math.min(blob.length, 80))] ^= 1 <<
      random.below(8);
  }
  return damaged;
}

const sizes = (random: Random) => [1 + random.length(3000), 300 + random.length(90_000)] as const;

Deno.test({
  ...needs("gzip: ISA-L and node:zlib make the same of all kinds of streams", lacksIsal),
  fn() {
    const random = new Random(20);
    let refusals = 0;
    for (let n = 0; n < 80; n++) {
      const input = blob(random);
      const expected = decode(input, "node:zlib", input.length || 1, 1 << 16);
      if (expected.refused !== undefined) refusals++;
      for (const [chunk, slot] of [[input.length || 1, 1 << 16], sizes(random), sizes(random)]) {
        const found = decode(input, LIBISAL, chunk, slot);
        assertEquals(found.refused, expected.refused, `${n}: chunks of ${chunk}, slots of ${slot}`);
        // What is cut short may end where no byte is whole: up to there it is the same.
        const least = Math.min(found.bytes.length, expected.bytes.length);
        const length = expected.refused === undefined ? undefined : least;
        const same = equal(found.bytes.subarray(0, length), expected.bytes.subarray(0, length));
        assert(same, `${n}: chunks of ${chunk}, slots of ${slot}`);
      }
    }
    assert(refusals > 15 && refusals < 65, `${refusals} refused`);
  },
});

Deno.test({
  ...needs("gzip: of damaged streams ISA-L makes what node:zlib makes, or refuses them", lacksIsal),
  fn() {
    const random = new Random(30);
    let accepted = 0;
    let refused = 0;
    for (let n = 0; n < 150; n++) {
      const input = damage(blob(random), random);
      const expected = decode(input, "node:zlib", input.length || 1, 1 << 16);
      const [chunk, slot] = sizes(random);
      const found = decode(input, LIBISAL, chunk, slot);
      if (expected.refused !== undefined) {
        // With an incomplete code whose gaps nothing uses ISA-L takes it: the digest of what comes out decides.
        refused++;
        continue;
      }
      accepted++;
      assertEquals(found.refused, undefined, `${n}`);
      assert(equal(found.bytes, expected.bytes), `${n}`);
    }
    assert(accepted > 10 && refused > 30, `${accepted} accepted, ${refused} refused`);
  },
});

Deno.test("gzip: $LAMINA_INFLATE=zlib turns ISA-L off", () => {
  const before = Deno.env.get("LAMINA_INFLATE");
  Deno.env.set("LAMINA_INFLATE", "zlib");
  try {
    assertEquals(inflateLibrary(), "node:zlib");
  } finally {
    if (before === undefined) Deno.env.delete("LAMINA_INFLATE");
    else Deno.env.set("LAMINA_INFLATE", before);
  }
});

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
