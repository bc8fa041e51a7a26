import { assertEquals, assertMatch } from "@std/assert";
import { createHash, type Hash } from "node:crypto";
import fc from "fast-check";
import { BlockSha256, SHARED_SHA256_BYTES, SharedSha256 } from "../../src/linux/mod.ts";
import { needs } from "../support/root.ts";

for (const portable of [false, true]) {
  const hasher = new BlockSha256(portable);
  Deno.test(`SHA-256 by ${hasher.library}: any block, written where it was asked for`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), fc.nat(40), (block, offset) => {
        const out = new Uint8Array(80).fill(0xaa);
        hasher.hash(block, out, offset);
        assertEquals(
          out.slice(offset, offset + 32),
          new Uint8Array(createHash("sha256").update(block).digest()),
        );
        out.fill(0xaa, offset, offset + 32);
        assertEquals(out, new Uint8Array(80).fill(0xaa), "nothing beside it was touched");
      }),
      { numRuns: 100 },
    );
  });

  Deno.test(`SHA-256 by ${hasher.library}: parts of larger and of shared memory`, () => {
    const memory = new Uint8Array(new SharedArrayBuffer(10_000));
    for (let i = 0; i < memory.length; i++) memory[i] = i * 7;
    const out = new Uint8Array(32);
    hasher.hash(memory.subarray(100, 4196), out, 0);
    const copy = new Uint8Array(memory).subarray(100, 4196);
    assertEquals(out, new Uint8Array(createHash("sha256").update(copy).digest()));
  });
}

Deno.test("hashers of one thread do not disturb each other", () => {
  const out = new Uint8Array(64);
  const [a, b] = [new BlockSha256(), new BlockSha256()];
  a.hash(new TextEncoder().encode("abc"), out, 0);
  b.hash(new Uint8Array(0), out, 32);
  assertMatch(
    out.slice(0, 32).reduce((s, x) => s + x.toString(16).padStart(2, "0"), ""),
    /^ba7816/,
  );
  assertMatch(out.slice(32).reduce((s, x) => s + x.toString(16).padStart(2, "0"), ""), /^e3b0c4/);
});

const digestOf = (hash: Hash) => new Uint8Array(hash.digest());

const memory = new SharedArrayBuffer(4 + SHARED_SHA256_BYTES + 4);
const shared = SharedSha256.at(memory, 4);

Deno.test({
  ...needs(
    "SHA-256 in shared memory: any pieces, by turns, and nothing beside the state is touched",
    shared === undefined ? "no libcrypto" : undefined,
  ),
  fn() {
    const words = new Uint32Array(memory);
    words.fill(0xaaaaaaaa);
    // As another thread has it.
    const turns = [shared!, SharedSha256.at(memory, 4)!];
    const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 });
    fc.assert(
      fc.property(pieces, (pieces) => {
        const expected = createHash("sha256");
        turns[0].init();
        for (const [i, piece] of pieces.entries()) {
          turns[i % 2].update(piece);
          expected.update(piece);
          // In between, too.
          if (i === 2) assertEquals(turns[0].digest(), digestOf(expected.copy()));
        }
        assertEquals(turns[1].digest(), digestOf(expected));
        assertEquals([words[0], words.at(-1)], [0xaaaaaaaa, 0xaaaaaaaa]);
      }),
      { numRuns: 50 },
    );
  },
});
