/**
 * Blobs: compressions, digests, sizes, and what is wrong with them.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { deflateRawSync, gzipSync, zstdCompressSync } from "node:zlib";
import { lacks, needs, notRoot } from "../support/root.ts";
import { sha256 } from "../support/images.ts";
import { concat, file, makeTar } from "../support/tar.ts";
import { FAST } from "../support/temp.ts";
import { describe, Workshop } from "./support.ts";

const gzip = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
const zstd = (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes));

/** 3 MB that compress to a third: many buffers on both sides. */
const large = (() => {
  const words = new TextEncoder().encode("lorem ipsum dolor sit amet ");
  const bytes = new Uint8Array(3_000_000);
  for (let at = 0; at < bytes.length; at += 32) {
    bytes.set(words, at);
    crypto.getRandomValues(bytes.subarray(at + 20, at + 32));
  }
  return bytes;
})();
const archive = makeTar([file("large", large), file("small", "small content")]);
const tree = [
  "/ implied",
  `large: ${String.fromCharCode(...large.subarray(0, 40))}`,
  "small: small content",
];

/** Cuts an archive into pieces of uneven sizes. */
function pieces(bytes: Uint8Array, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => {
    const border = (n: number) => Math.floor((bytes.length * n * n) / (count * count));
    return bytes.subarray(border(i), border(i + 1));
  });
}

/** A gzip member with every part that a header can have. */
function fullHeader(bytes: Uint8Array): Uint8Array {
  const plain = gzip(bytes);
  return concat(
    Uint8Array.of(0x1f, 0x8b, 8, 0x1f, 1, 2, 3, 4, 0, 255),
    Uint8Array.of(5, 0, 1, 2, 3, 4, 5),
    new TextEncoder().encode("a name\0"),
    new TextEncoder().encode("a comment\0"),
    Uint8Array.of(0xaa, 0xbb),
    new Uint8Array(deflateRawSync(bytes)),
    plain.subarray(plain.length - 8),
  );
}

const skippable = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

const GOOD: [title: string, blob: Uint8Array][] = [
  ["no compression", archive],
  ["gzip", gzip(archive)],
  ["gzip, no compression inside", new Uint8Array(gzipSync(archive, { level: 0 }))],
  ["gzip members one after the other", concat(...pieces(archive, 9).map(gzip))],
  ["a thousand gzip members", concat(...pieces(archive, 1000).map(gzip))],
  [
    "an empty gzip member among others",
    concat(gzip(new Uint8Array(0)), gzip(archive), gzip(new Uint8Array(0))),
  ],
  ["a gzip header with all that it can have", fullHeader(archive)],
  ["zeros behind gzip", concat(gzip(archive), new Uint8Array(700))],
  ["zstd", zstd(archive)],
  ["zstd frames one after the other", concat(...pieces(archive, 9).map(zstd))],
  ["zstd frames to be skipped", concat(skippable, zstd(archive), skippable)],
];

Deno.test({
  ...needs("layer: compressions", notRoot()),
  async fn(t) {
    await using workshop = new Workshop({ where: FAST });
    for (const [title, blob] of GOOD) {
      await t.step(title, async () => {
        const layer = await workshop.ingest(archive, { blob });
        assertEquals(describe(layer), tree);
        assertEquals(layer.result.bytes, archive.length);
        assertEquals(layer.result.diffId, sha256(archive));
      });
    }
    await t.step("a blob in the middle of a file", async () => {
      const blob = gzip(archive);
      const digest = sha256(blob);
      const whole = concat(new Uint8Array(1234).fill(1), blob, new Uint8Array(99).fill(2));
      const source = { offset: 1234, length: blob.length, digest };
      assertEquals(describe(await workshop.ingest(archive, { blob: whole, source })), tree);
    });
    await t.step("no bytes at all", async () => {
      const layer = await workshop.ingest(new Uint8Array(0));
      assertEquals(describe(layer), ["/ implied"]);
    });
  },
});

const cut = gzip(archive).subarray(0, 700_000);
const changed = (() => {
  const blob = gzip(archive);
  blob[500_000] ^= 0x10;
  return blob;
})();

Deno.test({
  ...needs("layer: blobs that are refused", notRoot()),
  async fn(t) {
    await using workshop = new Workshop({ where: FAST, limits: { layerBytes: 4_000_000 } });
    const right = sha256(gzip(archive));
    const bad: [string, Parameters<Workshop["refuse"]>[2], string[]][] = [
      ["one bit changed on its way", { blob: changed, source: { digest: right } }, [
        "not what its digest says",
        sha256(changed),
      ]],
      ["cut short", { blob: cut, source: { digest: right, length: gzip(archive).length } }, [
        "cut short",
        "700000 of its",
      ]],
      ["cut short, with a size that agrees", { blob: cut, source: { digest: right } }, [
        "not what its digest says",
      ]],
      ["made so: gzip cut short", { blob: cut }, ["gzip stream is cut short"]],
      ["made so: bits wrong", { blob: changed }, ["layer sha256:"]],
      ["junk behind gzip", { blob: concat(gzip(archive), Uint8Array.of(1)) }, [
        "something behind the gzip stream",
      ]],
      ["half a member behind gzip", { blob: concat(gzip(archive), gzip(archive).subarray(0, 5)) }, [
        "gzip stream is cut short",
      ]],
      ["a wrong length in the gzip trailer", {
        blob: (() => {
          const blob = gzip(archive);
          blob[blob.length - 1] ^= 1;
          return blob;
        })(),
      }, ["another length than it says"]],
      ["unknown gzip flags", {
        blob: concat(Uint8Array.of(0x1f, 0x8b, 8, 0xe0), new Uint8Array(20)),
      }, ["unknown flags"]],
      ["an unknown gzip method", {
        blob: concat(Uint8Array.of(0x1f, 0x8b, 9, 0), new Uint8Array(20)),
      }, ["header is malformed"]],
      ["junk behind zstd", { blob: concat(zstd(archive), new Uint8Array(9).fill(1)) }, [
        "layer sha256:",
      ]],
      ["zstd cut short", { blob: zstd(archive).subarray(0, 500_000) }, ["DiffID"]],
      ["xz", { blob: Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0, 0) }, [
        "compressed with xz",
      ]],
      ["bzip2", { blob: Uint8Array.of(0x42, 0x5a, 0x68, 0x39, 0, 0, 0) }, [
        "compressed with bzip2",
      ]],
      ["a DiffID of another layer", { source: { diffId: `sha256:${"0".repeat(64)}` } }, [
        "DiffID",
        "0000",
        sha256(archive),
      ]],
      ["a digest of another algorithm", { source: { digest: `sha512:${"0".repeat(128)}` } }, [
        "sha256: and 64 hex digits",
      ]],
      ["a file that is not there", { source: { file: "/dev/null/blob" } }, ["ENOTDIR"]],
    ];
    for (const [title, offer, says] of bad) {
      await t.step(title, async () => {
        await workshop.refuse(archive, says, offer);
        assertEquals(workshop.objectNames(), []);
      });
    }
    await t.step("a decompression bomb", async () => {
      const bomb = makeTar([file("zeros", new Uint8Array(5_000_000))]);
      for (const compression of ["none", "gzip", "zstd"] as const) {
        const error = await workshop.refuse(bomb, ["layer-bytes=4000000"], { compression });
        assertStringIncludes(error.hint!, "--limit layer-bytes=");
      }
    });
    await t.step("junk in place of an archive", async () => {
      await workshop.refuse(large, ["no tar header"], { compression: "gzip" });
    });
    await t.step("an archive cut short", async () => {
      await workshop.refuse(archive.subarray(0, 1_000_000), ["cut short", "entry large"]);
    });
    await t.step("after all of these the same pipeline still works", async () => {
      assertEquals(describe(await workshop.ingest(archive, { compression: "gzip" })), tree);
    });
  },
});

Deno.test({
  ...needs("layer: zstd with a huge window is refused by its limit", notRoot(), lacks("zstd")),
  async fn() {
    const child = new Deno.Command("zstd", {
      args: ["--long=29", "--ultra", "-22", "-c", "-"],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    // Without a known size the frame asks for the whole window.
    await writer.write(archive);
    await writer.close();
    const { stdout: blob } = await child.output();
    {
      await using workshop = new Workshop({ where: FAST });
      await workshop.refuse(archive, ["window", "zstd-window=128M"], { blob });
    }
    await using workshop = new Workshop({ where: FAST, limits: { zstdWindow: 2 ** 30 } });
    assertEquals(describe(await workshop.ingest(archive, { blob })), tree);
  },
});

Deno.test({
  ...needs("layer: sparse files that claim much are bounded all together", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST, limits: { layerBytes: 1_000_000 } });
    const claims = Array.from({ length: 3 }, (_, i) =>
      file(`s${i}`, "", {
        pax: { "GNU.sparse.size": "400000", "GNU.sparse.map": "400000,0" },
      }));
    await workshop.refuse(claims, ["entry s2", "layer-bytes"]);
  },
});
