/**
 * Archives and blobs in odd forms.
 *
 * @module
 */

import { gzipSync, zstdCompressSync } from "node:zlib";
import {
  concat,
  directory,
  file,
  longMember,
  makeTar,
  padding,
  paxHeader,
  paxRecord,
  rawPaxHeader,
  sparseFile,
  symlink,
  type TarPiece,
  toBytes,
} from "../support/tar.ts";
import { type HostileCase, type HostileClass, layerType, type OddLayer } from "./case.ts";

const gzip = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
const zstd = (bytes: Uint8Array) => new Uint8Array(zstdCompressSync(bytes));

const FILES = [file("a", "1"), file("b", "2")];
const TREE = ["a: 1", "b: 2"];
const PLAIN = makeTar(FILES);

/** A layer whose blob is another than its archive. */
function blob(blob: Uint8Array, suffix: string, archive: Uint8Array = PLAIN): readonly OddLayer[] {
  return [{ archive, blob, mediaType: layerType(suffix) }];
}

/** A layer of an archive as it is. */
function raw(archive: Uint8Array): readonly OddLayer[] {
  return [{ archive }];
}

const long = "n".repeat(60) + "/" + "m".repeat(120);
const big = "v".repeat(20_000);

const PAX: readonly HostileCase[] = [
  {
    title: "PAX path, linkpath",
    layers: [[
      file("short", "1", { pax: { path: long } }),
      symlink("s", "short", { pax: { linkpath: long } }),
    ]],
    tree: [`${"n".repeat(60)}/`, `${long}: 1`, `s -> ${long}`],
  },
  {
    title: "PAX uid and gid beyond octal",
    layers: [[file("f", "1", { uid: 4_294_967_294, gid: 3_000_000_000 })]],
    tree: ["f: 1 4294967294:3000000000"],
  },
  {
    title: "the uid that chown(2) takes for none",
    layers: [[file("f", "1", { pax: { uid: "4294967295" } })]],
    refused: ["entry f", "uid 4294967295"],
  },
  {
    title: "PAX times: negative, fractional, both",
    layers: [[
      file("a", "", { mtimeText: "-1.25" }),
      file("b", "", { mtimeText: "0.000000001" }),
      file("c", "", { mtimeText: "-9" }),
      file("d", "", { mtimeText: "4000000000.123456789123" }),
    ]],
    tree: ["a:  @-2+750000000ns", "b:  @0+1ns", "c:  @-9", "d:  @4000000000+123456789ns"],
  },
  {
    title: "PAX size that differs from the header's: PAX counts",
    history: "CVE-2025-62518",
    layers: [[
      // By the header the next member is a file within the body; by the PAX record it is content.
      file("outer", makeTar([file("smuggled", "x")], { end: false }), {
        size: 0,
        pax: { size: "1024" },
      }),
      file("behind", "1"),
    ]],
    tree: ["behind: 1", "outer: 1024 bytes"],
  },
  {
    title: "a PAX size that is smaller than the header's",
    history: "CVE-2025-62518",
    layers: [[
      file("f", "x", { size: 1024, pax: { size: "1" } }),
      file("g", "1"),
    ]],
    tree: ["f: x", "g: 1"],
  },
  {
    title: "extended attributes: binary, with NUL bytes, empty, of other names",
    layers: [[
      file("f", "1", {
        xattrs: {
          "user.binary": Uint8Array.of(0, 1, 255, 0, 10),
          "user.empty": "",
          "user.with=and%": "x",
        },
      }),
    ]],
    tree: ["f: 1 user.binary=\x00\x01\xff\x00\n user.empty= user.with=and%=x"],
  },
  {
    title: "an attribute of 20,000 bytes",
    layers: [[file("f", "1", { xattrs: { "user.big": big } })]],
    tree: [`f: 1 user.big=${big}`],
  },
  {
    title: "global headers, and their end",
    layers: [[
      paxHeader([["mtime", "5"], ["uid", "7"]], "g"),
      file("a", "1"),
      file("b", "2", { pax: { uid: "8" } }),
      paxHeader([["mtime", ""], ["uid", ""]], "g"),
      file("c", "3"),
    ]],
    tree: ["a: 1 7:0 @5", "b: 2 8:0 @5", "c: 3"],
  },
  {
    title: "a global header that names a file",
    layers: [[paxHeader([["path", "x"]], "g"), file("a", "1")]],
    refused: ["a global header sets path"],
  },
  ...(["9999 path=x\n", "3 path=x\n", "0 path=x\n", "path=x\n", "-5 path=x\n"] as const).map((
    record,
  ): HostileCase => ({
    title: `a malformed record: ${JSON.stringify(record)}`,
    layers: [[rawPaxHeader(toBytes(record)), file("a", "1")]],
    refused: ["malformed", "of the first entry"],
  })),
  {
    title: "a NUL in a PAX path",
    layers: [[file("a", "1", { pax: { path: "a\0/../../etc/passwd" } })]],
    refused: ["path holds a NUL"],
  },
  {
    title: "a record of many megabytes that means nothing",
    layers: [[rawPaxHeader(paxRecord("comment", "c".repeat(8 << 20))), file("a", "1")]],
    tree: ["a: 1"],
  },
];

const GNU: readonly HostileCase[] = [
  {
    title: "GNU long name and long link",
    layers: [[file(long, "1", { format: "gnu" }), symlink("s", long, { format: "gnu" })]],
    tree: [`${"n".repeat(60)}/`, `${long}: 1`, `s -> ${long}`],
  },
  {
    title: "base-256 numbers, negative ones too",
    layers: [[
      file("f", "1", { format: "gnu", uid: 3_000_000, gid: 2 ** 31 + 5, mtime: -12_345 }),
    ]],
    tree: ["f: 1 3000000:2147483653 @-12345"],
  },
  {
    title: "a negative uid",
    layers: [[file("f", "1", { format: "gnu", uid: -1 })]],
    refused: ["entry f", "uid"],
  },
  {
    title: "a negative size",
    layers: [[file("f", "", { format: "gnu", size: -512 })]],
    refused: ["entry f", "size"],
  },
  ...(["old", "0.0", "0.1", "1.0"] as const).map((form): HostileCase => ({
    title: `a sparse file, ${form}`,
    layers: [
      sparseFile(form, "s", 20, [
        { offset: 2, bytes: toBytes("ab") },
        { offset: 10, bytes: toBytes("cd") },
      ]),
    ],
    tree: ["s: \0\0ab\0\0\0\0\0\0cd\0\0\0\0\0\0\0\0"],
  })),
  {
    title: "a sparse file of 64 MiB with nothing in it",
    layers: [sparseFile("1.0", "s", 2 ** 26, [])],
    tree: ["s: 67108864 bytes"],
  },
  {
    title: "a sparse file of exabytes",
    layers: [sparseFile("0.1", "s", 2 ** 52, [{ offset: 5, bytes: toBytes("x") }])],
    refused: ["entry s", "4503599627370496 bytes", "file-bytes=1T"],
  },
  {
    title: "a sparse map whose parts overlap",
    layers: [sparseFile("0.1", "s", 20, [
      { offset: 5, bytes: toBytes("abc") },
      { offset: 6, bytes: toBytes("x") },
    ])],
    refused: ["entry s", "overlap"],
  },
];

const OLD: readonly HostileCase[] = [
  {
    title: "headers from before POSIX: a directory is a name with a slash",
    layers: [[
      { name: "d/", format: "v7", type: { flag: "\0" }, mode: 0o755 },
      file("d/f", "1", { format: "v7" }),
    ]],
    tree: ["d/", "d/f: 1"],
  },
  {
    title: "a wrong checksum",
    layers: [[file("a", "1"), file("b", "2", { checksum: 1 })]],
    refused: ["behind entry a", "checksum is wrong"],
  },
  {
    title: "a header cut short",
    layers: raw(PLAIN.subarray(0, 1024 + 300)),
    refused: ["cut short", "within a header"],
  },
  {
    title: "a body cut short",
    layers: raw(makeTar([file("a", "x".repeat(2000))]).subarray(0, 1500)),
    refused: ["cut short", "within entry a"],
  },
  {
    title: "an extended header without its entry",
    layers: raw(makeTar([longMember("L", toBytes("long"))], { end: false })),
    refused: ["cut short", "between an extended header and its entry"],
  },
  { title: "no end blocks", layers: raw(makeTar(FILES, { end: false })), tree: TREE },
  {
    title: "one end block, then the end",
    layers: raw(concat(makeTar(FILES, { end: false }), new Uint8Array(512))),
    tree: TREE,
  },
  {
    title: "an end block between entries",
    layers: [[file("a"), new Uint8Array(512), file("b")]],
    refused: ["zeros stands between entries"],
  },
  {
    title: "junk behind the end",
    layers: raw(concat(PLAIN, toBytes("junk".repeat(1000)), makeTar([file("c")]))),
    tree: TREE,
  },
  { title: "an archive without entries", layers: raw(makeTar([])), tree: [] },
  { title: "a layer of zero bytes", layers: raw(new Uint8Array()), tree: [] },
  {
    title: "a layer of zero bytes between others",
    layers: [[file("a", "1")], ...raw(new Uint8Array()), [file("b", "2")]],
    tree: TREE,
  },
  {
    title: "what is no archive at all",
    layers: raw(toBytes("no archive ".repeat(200))),
    refused: ["no tar header"],
  },
  {
    title: "a socket: refused, no image has one",
    layers: [[file("s", "", { patch: (header) => header[156] = 0x73 })]],
    refused: ["entry s", "type 's'"],
  },
  {
    title: "a part of a multi-volume archive",
    layers: [[file("m", "", { patch: (header) => header[156] = 0x4d })]],
    refused: ["entry m", "type 'M'"],
  },
  {
    title: "a size of exabytes in a header",
    layers: [[file("f", "x", { format: "gnu", size: 2 ** 60 })]],
    refused: ["entry f"],
  },
  {
    title: "a size of 8 GiB that is not there",
    layers: [[file("f", "x", { size: 2 ** 33 - 1 })]],
    refused: ["cut short", "within entry f"],
  },
];

/** A gzip member whose length in the trailer is another one. */
function wrongTrailer(): Uint8Array {
  const bytes = gzip(PLAIN);
  bytes[bytes.length - 1] ^= 0x55;
  return bytes;
}

const HALF = PLAIN.length >> 1;

const COMPRESSED: readonly HostileCase[] = [
  { title: "gzip", layers: blob(gzip(PLAIN), "gzip"), tree: TREE },
  { title: "zstd", layers: blob(zstd(PLAIN), "zstd"), tree: TREE },
  {
    title: "concatenated gzip members",
    layers: blob(concat(gzip(PLAIN.subarray(0, HALF)), gzip(PLAIN.subarray(HALF))), "gzip"),
    tree: TREE,
  },
  {
    title: "zstd frames one after the other",
    layers: blob(concat(zstd(PLAIN.subarray(0, HALF)), zstd(PLAIN.subarray(HALF))), "zstd"),
    tree: TREE,
  },
  {
    title: "an archive in each gzip member: the first one's end is the end",
    layers: blob(
      concat(gzip(PLAIN), gzip(makeTar([file("c")]))),
      "gzip",
      concat(PLAIN, makeTar([file("c")])),
    ),
    tree: TREE,
  },
  {
    title: "gzip with garbage behind it",
    layers: blob(concat(gzip(PLAIN), toBytes("garbage")), "gzip"),
    refused: ["gzip"],
  },
  {
    title: "gzip with zeros behind it, as tapes have them",
    layers: blob(concat(gzip(PLAIN), padding(300)), "gzip"),
    tree: TREE,
  },
  {
    title: "zstd with garbage behind it",
    layers: blob(concat(zstd(PLAIN), toBytes("garbage!")), "zstd"),
    refused: ["reading layer"],
  },
  {
    title: "gzip whose trailer says another length",
    layers: blob(wrongTrailer(), "gzip"),
    refused: ["reading layer"],
  },
  {
    title: "gzip cut short",
    layers: blob(gzip(PLAIN).subarray(0, -9), "gzip"),
    refused: ["layer 1"],
  },
  {
    title: "zstd cut short",
    layers: blob(zstd(PLAIN).subarray(0, -5), "zstd"),
    refused: ["layer 1"],
  },
  { title: "zstd that is said to be gzip", layers: blob(zstd(PLAIN), "gzip"), tree: TREE },
  { title: "gzip that is said to be nothing", layers: blob(gzip(PLAIN), ""), tree: TREE },
  { title: "nothing that is said to be gzip", layers: blob(PLAIN, "gzip"), tree: TREE },
  {
    title: "xz, which no media type has",
    layers: blob(concat(Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0), PLAIN), ""),
    kind: "unsupported",
    refused: ["xz"],
  },
  {
    title: "gzip in gzip",
    layers: blob(gzip(gzip(PLAIN)), "gzip", gzip(PLAIN)),
    refused: ["cut short", "within a header"],
  },
];

/** Nothing but names for what makes up an archive. */
const MANY: readonly TarPiece[] = [
  directory("d"),
  ...Array.from({ length: 1000 }, (_, i) => file(`d/${i}`)),
];

/** See the module. */
export const FORMATS: HostileClass = {
  name: "formats",
  cases: [...PAX, ...GNU, ...OLD, ...COMPRESSED, {
    title: "a thousand empty files in one directory",
    layers: [MANY],
    tree: [
      "d/",
      ...Array.from({ length: 1000 }, (_, i) => `d/${i}: `).sort((a, b) =>
        a.slice(0, -2) < b.slice(0, -2) ? -1 : 1
      ),
    ],
  }],
  elsewhere: [
    ["every field, form and fault of a header, byte by byte and in pieces", "tar/reader_test.ts"],
    ["changed archives give entries or a LaminaError: properties", "tar/property_test.ts"],
    ["the same entries as GNU tar and bsdtar", "tar/differential_test.ts"],
    ["compressed blobs, a huge zstd window made by zstd itself", "layer/blob_test.ts"],
  ],
};
