/**
 * Images that claim too much: one for each limit.
 *
 * @module
 */

import { gzipSync, zstdCompressSync } from "node:zlib";
import { limitFlag, type Limits } from "../../src/limits.ts";
import { directory, file, makeTar, sparseFile, symlink, toBytes } from "../support/tar.ts";
import {
  type HostileCase,
  type HostileClass,
  type Layers,
  layerType,
  type RefusedCase,
} from "./case.ts";

/** A case for a limit that is set so low that this image passes it. */
function over(
  limit: keyof Limits,
  value: number,
  layers: Layers,
  refused: readonly string[],
  more: Partial<Limits> = {},
): RefusedCase & { readonly limit: keyof Limits } {
  return {
    limit,
    title: `${limit}: ${value}`,
    layers,
    refused: [...refused, named(limit)],
    limits: { [limit]: value, ...more },
  };
}

/** The same for what the documents say. */
function overDocument(
  limit: keyof Limits,
  value: number,
  image: RefusedCase["image"],
  refused: readonly string[],
): RefusedCase & { readonly limit: keyof Limits } {
  const limits = { [limit]: value };
  return { limit, title: `${limit}: ${value}`, image, refused: [...refused, named(limit)], limits };
}

/** What every such error has to say. */
function named(limit: keyof Limits): string {
  return `over the limit ${limitFlag(limit)}=`;
}

const zeros = makeTar([file("zeros", new Uint8Array(5_000_000))]);
const gz = [{
  archive: zeros,
  blob: new Uint8Array(gzipSync(zeros)),
  mediaType: layerType("gzip"),
}];
const zst = [{
  archive: zeros,
  blob: new Uint8Array(zstdCompressSync(zeros)),
  mediaType: layerType("zstd"),
}];
const attributes = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`user.${i}`, "value"]));

/** A limit, set so low that an image passes it: for each but those in {@link ELSEWHERE}. */
export const BY_LIMIT: readonly (RefusedCase & { readonly limit: keyof Limits })[] = [
  over("entries", 2, [[file("a"), file("b"), file("c")]], ["entry c", "more than 2 entries"]),
  over("pathBytes", 10, [[file("a/path/of/more")]], ["entry a/path/of/more", "14 bytes"]),
  over("pathDepth", 3, [[file("1/2/3/4/f")]], ["entry 1/2/3/4/f", "more than 3 directories deep"]),
  // Each path is short, and where it leads is deeper than any path can say.
  over("pathDepth", 9, [[
    directory("a/b/c/d/e"),
    symlink("l", "a/b/c/d/e"),
    directory("l/f/g/h"),
    symlink("m", "l/f/g/h"),
    file("m/i/j/k"),
  ]], ["entry m/i/j/k", "more than 9 directories deep"]),
  over("symlinkBytes", 10, [[symlink("s", "a/path/of/more")]], ["entry s", "14 bytes"]),
  over("headerBytes", 2000, [[
    file("before"),
    file("a", "", { pax: { comment: "c".repeat(2000) } }),
  ]], [
    "of the entry behind before",
    "bytes of extended headers",
  ]),
  over("xattrs", 100, [[file("before"), file("a", "", { xattrs: attributes(101) })]], [
    "of the entry behind before",
    "101 extended attributes",
  ]),
  over("xattrValueBytes", 5, [[file("a", "", { xattrs: { "user.x": "123456" } })]], [
    "of the first entry",
    "user.x has 6 bytes",
  ]),
  over("xattrBytes", 100, [[file("a", "", { xattrs: attributes(10) })]], ["entry a", "bytes"]),
  over("fileBytes", 99, [[file("a", "x".repeat(100))]], ["entry a", "100 bytes"]),
  over("fileBytes", 99, [sparseFile("1.0", "s", 100, [])], ["entry s", "100 bytes"]),
  over("sparseParts", 1, [
    sparseFile("1.0", "s", 20, [
      { offset: 1, bytes: toBytes("x") },
      { offset: 3, bytes: toBytes("x") },
    ]),
  ], ["entry s", "2 parts"]),
  over("layerBytes", 4_000_000, gz, ["over the limit layer-bytes=4000000"]),
  over("layerBytes", 4_000_000, zst, ["over the limit layer-bytes=4000000"]),
  over("layerBytes", 4_000_000, [[
    ...sparseFile("1.0", "s", 3e6, []),
    ...sparseFile("1.0", "t", 3e6, []),
  ]], [
    "entry t",
    "the layer's files have 6000000 bytes",
  ]),
  {
    ...over("imageBytes", 8_000_000, [
      [file("first", new Uint8Array(5_000_000))],
      [file("second", new Uint8Array(5_000_000))],
    ], ["the image's layers have"]),
    partlyRight: true,
  },
  over("ratio", 20, gz, [" bytes have become "], { ratioFloor: 1_000_000 }),
  over("ratio", 20, zst, [" bytes have become "], { ratioFloor: 1_000_000 }),
  over("zstdWindow", 1024, zst, ["a frame needs a larger window"]),
  over("layers", 2, [[file("a")], [file("b")], [file("c")]], ["it has 3 layers"]),
  overDocument(
    "documentBytes",
    300,
    (layout) =>
      layout.image({ layers: [makeTar([file("a")])], config: { Env: ["A=" + "x".repeat(300)] } })
        .descriptor,
    ["bytes", "over the limit document-bytes=300"],
  ),
  overDocument("indexEntries", 3, (layout) => {
    const { descriptor } = layout.image({ layers: [makeTar([file("a")])] });
    return layout.index([descriptor, descriptor, descriptor, descriptor]);
  }, ["more than 3 entries"]),
];

/** Limits that no image of a layout can pass by itself, and where they are tested. */
export const ELSEWHERE: Readonly<Partial<Record<keyof Limits, string>>> = {
  archiveMembers: "oci/archive_test.ts",
  ratioFloor: "the cases of `ratio`, and those that stay below it",
};

/** Images that stay below a limit, or to which it does not apply. */
const BELOW: readonly HostileCase[] = [
  {
    title: "ratio: what is below the floor may be as dense as it will",
    layers: gz,
    limits: { ratio: 1 },
    tree: ["zeros: 5000000 bytes"],
  },
  {
    title: "imageBytes: a layer that the image has twice counts once",
    layers: [[file("f", new Uint8Array(60_000))], [file("f", new Uint8Array(60_000))]],
    limits: { imageBytes: 100_000 },
    tree: ["f: 60000 bytes"],
  },
  {
    title: "every limit at what the image just has",
    layers: [[file("d/f", "12345", { xattrs: { "user.x": "12345" } })]],
    limits: {
      entries: 1,
      pathBytes: 3,
      pathDepth: 1,
      xattrs: 1,
      xattrValueBytes: 5,
      xattrBytes: 18,
      fileBytes: 5,
      layers: 1,
    },
    tree: ["d/", "d/f: 12345 user.x=12345"],
  },
];

/** See the module. */
export const LIMITED: HostileClass = {
  name: "limits",
  cases: [...BY_LIMIT, ...BELOW],
  elsewhere: [
    ["flags, environment, the README's table", "cli/limits_test.ts"],
    ["each limit of the tar reader, and raised", "tar/reader_test.ts"],
    ["members of an archive of images", "oci/archive_test.ts"],
  ],
};
