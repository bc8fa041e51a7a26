import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { createHash } from "node:crypto";
import { objectPath, toHex } from "../../src/tree/digest.ts";
import { fsVerityDigest, FsVerityHasher } from "../../src/tree/verity.ts";
import { xxHash32 } from "../../src/tree/xxhash32.ts";

/** The kernel documentation's definition, word for word, for comparison. */
function model(data: Uint8Array): string {
  const sha = (block: Uint8Array) => createHash("sha256").update(block).digest();
  const padded = (block: Uint8Array) => {
    const out = new Uint8Array(4096);
    out.set(block);
    return out;
  };
  let level = data;
  do {
    const hashes: Uint8Array[] = [];
    for (let i = 0; i < level.length; i += 4096) {
      hashes.push(sha(padded(level.subarray(i, i + 4096))));
    }
    level = new Uint8Array(hashes.length * 32);
    hashes.forEach((hash, i) => level.set(hash, i * 32));
  } while (level.length > 32);
  const descriptor = new Uint8Array(256);
  descriptor.set([1, 1, 12]);
  new DataView(descriptor.buffer).setBigUint64(8, BigInt(data.length), true);
  descriptor.set(level, 16);
  return sha(descriptor).toString("hex");
}

const known: [string, Uint8Array, string][] = [
  [
    "hello world",
    new TextEncoder().encode("hello world"),
    "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64",
  ],
  [
    "nothing",
    new Uint8Array(0),
    "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
  ],
  [
    "one block of zeros",
    new Uint8Array(4096),
    "babc284ee4ffe7f449377fbf6692715b43aec7bc39c094a95878904d34bac97e",
  ],
  [
    "one block and a byte",
    new Uint8Array(4097),
    "093756e4ea9683329106d4a16982682ed182c14bf076463a9e7f97305cbac743",
  ],
];

for (const [name, data, digest] of known) {
  Deno.test(`fs-verity digest of ${name}`, () => {
    assertEquals(toHex(fsVerityDigest(data)), digest);
  });
}

for (
  const blocks of [2, 127, 128, 129, 128 * 2, 128 * 2 + 1, 128 * 128 - 1, 128 * 128, 128 * 128 + 1]
) {
  Deno.test(`fs-verity digest of ${blocks} blocks agrees with the definition`, () => {
    const data = new Uint8Array(blocks * 4096 - (blocks % 3));
    for (let i = 0; i < data.length; i += 997) data[i] = i >> 3;
    assertEquals(toHex(fsVerityDigest(data)), model(data));
  });
}

Deno.test("fs-verity digest does not depend on the chunks, and a hasher can be used again", () => {
  const hasher = new FsVerityHasher();
  const chunks = fc.array(fc.nat(9000), { maxLength: 12 });
  fc.assert(fc.property(chunks, (sizes) => {
    const data = new Uint8Array(sizes.reduce((a, b) => a + b, 0)).map((_, i) => i * 7);
    hasher.reset();
    let at = 0;
    for (const size of sizes) hasher.update(data.subarray(at, at += size));
    assertEquals(toHex(hasher.digest()), model(data));
  }));
});

Deno.test("an object's path has the first two digits as a directory", () => {
  const digest = Uint8Array.from({ length: 32 }, (_, i) => 0xab + i);
  assertEquals(objectPath(digest), `ab/${toHex(digest.subarray(1))}`);
});

const hashes: [number, string, number][] = [
  [4, "overlay.opaque", 0x4ce0a7f4],
  [4, "overlay.metacopy", 0xdbe5e05f],
  [4, "overlay.redirect", 0x887ec271],
  [6, "selinux", 0x9490146b],
  [6, "capability", 0x8c47ac5d],
  [1, "a", 0x371a8cd5],
  [2, "", 0x0857597e],
  [1, "overlay.whiteout", 0xed142e09],
  [4, "overlay.overlay.whiteout", 0x54a3e364],
];

for (const [index, suffix, hash] of hashes) {
  Deno.test(`xxHash32 of ${JSON.stringify(suffix)} with prefix ${index}`, () => {
    assertEquals(xxHash32(new TextEncoder().encode(suffix), 0x25bbe08f + index), hash);
  });
}
