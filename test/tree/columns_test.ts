import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ByteStrings } from "../../src/tree/byte_strings.ts";
import { digestOfPath, isObjectPath, objectPath } from "../../src/tree/digest.ts";
import { DigestTable } from "../../src/tree/digest_table.ts";
import { ForwardWriter } from "../../src/tree/forward_writer.ts";
import { toBytes } from "../../src/tree/latin1.ts";

Deno.test("byte strings come back as they were, beyond what was expected of them", () => {
  const list = new ByteStrings(2);
  const texts = ["", "a", "\0\xff/", "x".repeat(5000), ...Array.from({ length: 99 }, String)];
  texts.forEach((text, n) => list.push(n % 2 === 0 ? text : toBytes(text)));
  assertEquals(list.length, texts.length);
  assertEquals(texts.map((_, n) => list.text(n)), texts);
  assertEquals(texts.map((_, n) => list.size(n)), texts.map(({ length }) => length));
});

Deno.test("a digest has one number, however many there are", () => {
  const table = new DigestTable();
  const digest = (n: number) => {
    const bytes = new Uint8Array(32).fill(7);
    // Many begin alike.
    new DataView(bytes.buffer).setUint32(n % 2 === 0 ? 0 : 28, n);
    return bytes;
  };
  const numbers = Array.from({ length: 1000 }, (_, n) => table.add(digest(n)));
  assertEquals(numbers, [...numbers.keys()]);
  assertEquals(numbers.map((_, n) => table.add(digest(n))), numbers);
  assertEquals(table.length, 1000);
  assertEquals(table.digest(501), digest(501));
});

Deno.test("a path is an object's if it is that of its digest", () => {
  const digest = Uint8Array.from({ length: 32 }, (_, i) => i * 37);
  const path = objectPath(digest);
  assertEquals(path, "00/254a6f94b9de03284d7297bce1062b50759abfe4092e53789dc2e70c31567b");
  assertEquals(digestOfPath(path), digest);
  const bytes = toBytes(`/${path}`);
  assertEquals(isObjectPath(bytes, 1, path.length, digest), true);
  for (let i = 1; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i] ^= 1;
    assertEquals(isObjectPath(other, 1, path.length, digest), false);
  }
  for (const other of [path.toUpperCase(), path.slice(1), `${path}0`, path.replace("/", "0")]) {
    assertEquals(digestOfPath(other), undefined);
  }
});

Deno.test("property: a file is what was put at its places, and zeros between", () => {
  const part = fc.record({ gap: fc.constantFrom(0, 1, 5000, 3 << 20), length: fc.nat(70_000) });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 40 }), fc.nat(9000), (parts, rest) => {
      const pieces: Uint8Array<ArrayBuffer>[] = [];
      const out = new ForwardWriter((piece) => pieces.push(piece.slice()));
      const size = parts.reduce((sum, { gap, length }) => sum + gap + length, rest);
      const expected = new Uint8Array(size);
      let place = 0;
      parts.forEach(({ gap, length }, n) => {
        place += gap;
        const at = out.reach(place, length);
        out.bytes.fill(n + 1, at, at + length);
        expected.fill(n + 1, place, place + length);
        place += length;
      });
      out.end(size);
      const written = new Uint8Array(size);
      let at = 0;
      for (const piece of pieces) {
        written.set(piece, at);
        at += piece.length;
      }
      assertEquals(at, size);
      assertEquals(written.every((byte, i) => byte === expected[i]), true);
    }),
    { numRuns: 20 },
  );
});
