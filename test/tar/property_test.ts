import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { concat, makeTar, sparseFile, type TarMember, type TarPiece } from "../support/tar.ts";
import { byteString, readTar } from "./support.ts";

/** What one member is written from, and what must be read. */
interface Model {
  readonly member: TarMember;
  readonly expected: Record<string, unknown>;
}

const nameBytes = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 200 })
  // A slash at the end says something about the type.
  .map((values) => Uint8Array.from(values.map((value) => value === 0x2f ? 0x61 : value)));

const small = fc.uint8Array({ maxLength: 2000 });

const model: fc.Arbitrary<Model> = fc.record({
  name: nameBytes,
  link: nameBytes,
  type: fc.constantFrom("file", "link", "symlink", "char", "block", "directory", "fifo"),
  format: fc.constantFrom("ustar", "gnu"),
  body: small,
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: 0, max: 0xfffffffe }),
  gid: fc.integer({ min: 0, max: 0xfffffffe }),
  seconds: fc.integer({ min: -(2 ** 33), max: 2 ** 40 }),
  nsec: fc.integer({ min: 0, max: 999_999_999 }),
  major: fc.integer({ min: 0, max: 4095 }),
  minor: fc.integer({ min: 0, max: 1_048_575 }),
  xattrs: fc.dictionary(fc.stringMatching(/^user\.[a-z]{1,20}$/), small, { maxKeys: 4 }),
}).map(({ name, link, body, seconds, nsec, xattrs, ...rest }) => {
  const { type, format } = rest;
  const pax = format === "ustar";
  const keys = Object.keys(xattrs);
  const isLink = type === "link" || type === "symlink";
  const isDevice = type === "char" || type === "block";
  // The whole seconds below, and the fraction above them, as one decimal number.
  const text = seconds < 0 && nsec > 0
    ? `-${-seconds - 1}.${String(1_000_000_000 - nsec).padStart(9, "0")}`
    : `${seconds}.${String(nsec).padStart(9, "0")}`;
  return {
    member: {
      ...rest,
      name,
      ...isLink ? { link } : {},
      ...type === "file" ? { body } : {},
      ...pax ? { mtimeText: text, xattrs } : { mtime: seconds },
    },
    expected: {
      type,
      name: byteString(name),
      link: isLink ? byteString(link) : "",
      mode: rest.mode,
      uid: rest.uid,
      gid: rest.gid,
      size: type === "file" ? body.length : 0,
      mtime: seconds,
      nsec: pax ? nsec : 0,
      major: isDevice ? rest.major : 0,
      minor: isDevice ? rest.minor : 0,
      xattrs: pax && keys.length > 0
        ? Object.fromEntries(keys.map((key) => [key, byteString(xattrs[key])]))
        : null,
      sparse: null,
      data: type === "file" ? byteString(body) : "",
    },
  };
});

Deno.test("tar property: what was written is what is read, in pieces of any sizes", () => {
  fc.assert(
    fc.property(
      fc.array(model, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 30 }),
      (models, pieces) => {
        const archive = makeTar(models.map(({ member }) => member));
        const whole = readTar(archive);
        assertEquals(
          whole.map(({ offset: _o, dataOffset: _d, ...entry }) => entry),
          models.map(({ expected }) => expected) as unknown[],
        );
        assertEquals(readTar(archive, { pieces }), whole);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("tar property: sparse files in every form", () => {
  const segments = fc.array(
    fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.uint8Array({ minLength: 1, maxLength: 700 })),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(
      fc.constantFrom("old", "0.0", "0.1", "1.0"),
      segments,
      fc.integer({ min: 1, max: 9000 }),
      fc.integer({ min: 1, max: 1500 }),
      (form, gaps, tail, piece) => {
        let end = 0;
        const parts = gaps.map(([gap, bytes]) => {
          const offset = end + gap;
          end = offset + bytes.length;
          return { offset, bytes };
        });
        const archive = makeTar([...sparseFile(form, "s", end + tail, parts), {
          name: "next",
          body: "x",
        }]);
        const [sparse, next] = readTar(archive, { pieces: [piece] });
        assertEquals(sparse.size, end + tail);
        assertEquals(sparse.sparse, parts.flatMap(({ offset, bytes }) => [offset, bytes.length]));
        assertEquals(sparse.data, byteString(concat(...parts.map(({ bytes }) => bytes))));
        assertEquals([next.name, next.data], ["next", "x"]);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("tar property: a changed archive gives entries or a LaminaError, nothing else", () => {
  const changes = fc.array(
    fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })),
    { minLength: 1, maxLength: 12 },
  );
  const sparse = fc.constantFrom("old", "0.0", "0.1", "1.0").map((form): TarPiece[] =>
    sparseFile(form, "s", 9000, [
      { offset: 5, bytes: new Uint8Array(700) },
      { offset: 7000, bytes: new Uint8Array(9) },
    ])
  );
  fc.assert(
    fc.property(
      fc.array(model, { maxLength: 4 }),
      sparse,
      changes,
      fc.nat(),
      fc.boolean(),
      (models, special, edits, cut, mend) => {
        const archive = makeTar([...models.map(({ member }) => member), ...special]);
        for (const [where, value] of edits) archive[where % archive.length] = value;
        // With checksums made right again the change gets past the first look.
        if (mend) { for (let at = 0; at < archive.length; at += 512) seal(archive.subarray(at)); }
        const shown = archive.subarray(0, archive.length - cut % 1024);
        let whole: unknown;
        try {
          whole = readTar(shown);
        } catch (error) {
          if (!(error instanceof LaminaError)) throw error;
          whole = error.message;
        }
        let pieces: unknown;
        try {
          pieces = readTar(shown, { pieces: [333] });
        } catch (error) {
          pieces = (error as Error).message;
        }
        assertEquals(pieces, whole);
      },
    ),
    { numRuns: 400 },
  );
});

function seal(block: Uint8Array): void {
  if (block[0] === 0) return;
  block.fill(0x20, 148, 156);
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += block[i];
  block.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
}

Deno.test("tar property: bytes without any sense are refused or empty", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (bytes) => {
      try {
        assertEquals(readTar(bytes).length, 0);
      } catch (error) {
        if (!(error instanceof LaminaError)) throw error;
      }
    }),
    { numRuns: 300 },
  );
});
