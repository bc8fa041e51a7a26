import { assertEquals, assertMatch } from "@std/assert";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { BlockSha256 } from "../../src/linux/mod.ts";

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
