import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { fsVerityDigest, FsVerityHasher, toHex } from "../../src/tree/mod.ts";

Deno.test("fs-verity: zeros by their number are the same as zeros", () => {
  const piece = fc.record({
    data: fc.boolean(),
    // Around blocks (4096), and around blocks of hashes (524,288).
    length: fc.oneof(
      fc.integer({ min: 0, max: 9000 }),
      fc.constantFrom(4095, 4096, 4097, 524_287, 524_288, 524_289, 1_100_000),
    ),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      const hasher = new FsVerityHasher();
      const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const { data, length } of pieces) {
        if (data) hasher.update(whole.subarray(at, at + length).fill(at & 0xff));
        else hasher.zeros(length);
        at += length;
      }
      assertEquals(hasher.digest(), fsVerityDigest(whole));
    }),
    { numRuns: 60 },
  );
});

Deno.test("fs-verity: a hole of a tebibyte takes no time", () => {
  const begun = performance.now();
  const hasher = new FsVerityHasher();
  hasher.zeros(2 ** 40);
  const digest = toHex(hasher.digest());
  // In two parts that are no whole blocks.
  hasher.reset();
  hasher.zeros(2 ** 39 + 1);
  hasher.zeros(2 ** 39 - 1);
  assertEquals(toHex(hasher.digest()), digest);
  assert(performance.now() - begun < 500);
});
