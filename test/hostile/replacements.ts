/**
 * Replacements that must work, and names that must survive.
 *
 * @module
 */

import {
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  opaque,
  symlink,
  type TarPiece,
  whiteout,
} from "../support/tar.ts";
import type { HostileCase, HostileClass } from "./case.ts";

/** What one name may stand for, and how it is shown. */
const KINDS:
  readonly (readonly [kind: string, pieces: readonly TarPiece[], tree: readonly string[]])[] = [
    ["file", [file("x", "file")], ["x: file"]],
    ["directory", [directory("x"), file("x/in", "1")], ["x/", "x/in: 1"]],
    ["symlink", [directory("to"), symlink("x", "to")], ["to/", "x -> to"]],
    ["fifo", [fifo("x")], ["x fifo"]],
    ["device", [charDevice("x", 1, 3)], ["x char 1:3"]],
  ];

/** Every kind over every other: across layers, and within one. */
const PAIRS: readonly HostileCase[] = KINDS.flatMap(([from, lower, before]) =>
  KINDS.filter(([to]) => to !== from).flatMap(([to, upper, after]): HostileCase[] => {
    // The directory that the symbolic link leads to stays.
    const tree = [...new Set([...before.filter((line) => line === "to/"), ...after])].sort();
    return [
      { title: `${from} → ${to}, across layers`, layers: [lower, upper], tree },
      { title: `${from} → ${to}, within a layer`, layers: [[...lower, ...upper]], tree },
    ];
  })
);

const LEVELS = 2047;
const longName = "n".repeat(255);
const target = "t".repeat(4095);

const CASES: readonly HostileCase[] = [
  ...PAIRS,
  {
    title: "file over file, across layers and within one: the last wins",
    layers: [[file("a", "1"), file("a", "2"), file("b", "1")], [file("b", "2")]],
    tree: ["a: 2", "b: 2"],
  },
  {
    title: "a mode-only change in an upper layer",
    layers: [
      [file("f", "same", { mode: 0o644 }), directory("d"), file("d/f", "1")],
      [file("f", "same", { mode: 0o4711 }), directory("d", { mode: 0o1777 })],
    ],
    tree: ["d/ 1777", "d/f: 1", "f: same 4711"],
  },
  {
    title: "a directory's metadata from an entry behind its children",
    layers: [[
      file("d/f", "1"),
      directory("d", { mode: 0o700, uid: 5, gid: 6, mtime: 77 }),
      file("d/g", "2"),
    ]],
    tree: ["d/ 700 5:6 @77", "d/f: 1", "d/g: 2"],
  },
  {
    title: "missing parents",
    layers: [[file("a/b/c/d", "1")]],
    tree: ["a/", "a/b/", "a/b/c/", "a/b/c/d: 1"],
  },
  {
    title: "missing parents that a lower layer has: its metadata stays",
    layers: [[directory("a", { mode: 0o700, uid: 9 })], [file("a/f", "1")]],
    tree: ["a/ 700 9:0", "a/f: 1"],
  },
  {
    title: "a child below a lower layer's symbolic link to a directory",
    layers: [[directory("usr/lib"), symlink("lib", "usr/lib")], [file("lib/f", "1")]],
    tree: ["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/f: 1"],
  },
  {
    title: "a directory over a lower layer's symbolic link to a directory",
    layers: [[file("usr/lib/f", "1"), symlink("lib", "usr/lib")], [
      directory("lib"),
      file("lib/g", "2"),
    ]],
    tree: ["lib/", "lib/g: 2", "usr/", "usr/lib/", "usr/lib/f: 1"],
  },
  {
    title: "read-only directories with children, without any rights",
    layers: [[
      directory("r", { mode: 0o555 }),
      directory("r/none", { mode: 0 }),
      file("r/none/f", "1", { mode: 0 }),
    ], [file("r/none/g", "2", { mode: 0o400 })]],
    tree: ["r/ 555", "r/none/ 0", "r/none/f: 1 0", "r/none/g: 2 400"],
  },
  {
    title: "a hard link to a lower layer's file",
    layers: [[file("a", "1", { uid: 3 })], [hardlink("d/b", "a")]],
    tree: ["a: 1 3:0", "d/", "d/b = a"],
  },
  {
    title: "a hard link to a lower layer's file that its layer replaces",
    layers: [[file("a", "old")], [hardlink("b", "a"), whiteout("a")], [file("a", "new")]],
    tree: ["a: new", "b: old"],
  },
  {
    title: "hard links of a lower layer, of which an upper one replaces one name",
    layers: [[file("a", "1"), hardlink("b", "a"), hardlink("c", "a")], [file("b", "2")]],
    tree: ["a: 1", "b: 2", "c = a"],
  },
  {
    title: "symlink → file of the same name as its target's",
    layers: [[file("f", "1"), symlink("s", "f")], [file("s", "2")]],
    tree: ["f: 1", "s: 2"],
  },
  {
    title: "a directory emptied and filled again, layer by layer",
    layers: [[file("d/a", "1")], [opaque("d")], [file("d/b", "2")], [whiteout("d")], [
      file("d/c", "3"),
    ]],
    tree: ["d/", "d/c: 3"],
  },
  {
    title: "duplicate directories: the entries of both, the last metadata",
    layers: [[directory("d", { mode: 0o700 }), file("d/a", "1"), directory("d", { mode: 0o711 })]],
    tree: ["d/ 711", "d/a: 1"],
  },
  // Names.
  {
    title: "2,047 directories within each other: as many as a path can name",
    layers: [[file(`${"d/".repeat(LEVELS)}f`, "deep")], [
      file(`${"d/".repeat(LEVELS)}g`, "upper"),
      whiteout(`${"d/".repeat(LEVELS - 3)}x`),
    ]],
    tree: [
      ...Array.from({ length: LEVELS }, (_, depth) => "d/".repeat(depth + 1)),
      `${"d/".repeat(LEVELS)}f: deep`,
      `${"d/".repeat(LEVELS)}g: upper`,
    ],
  },
  {
    title: "2,047 directories, removed by an upper layer that says they are links",
    layers: [[file(`${"d/".repeat(LEVELS)}f`, "deep")], [symlink("d", ".")]],
    tree: ["d -> ."],
  },
  {
    title: "directories that are too deep where a lower layer's symbolic link leads",
    layers: [[directory("d/".repeat(500)), symlink("l", "d/".repeat(500))], [
      file(`l/${"e/".repeat(2000)}f`),
    ]],
    partlyRight: true,
    refused: ["merging layer 2", "more than 2048 directories deep"],
  },
  {
    title: "names of 255 bytes, in and as directories",
    layers: [[file(`${longName}/${longName}`, "1")]],
    tree: [`${longName}/`, `${longName}/${longName}: 1`],
  },
  {
    title: "a name of 256 bytes",
    layers: [[file(`d/${longName}x`)]],
    refused: ["256 bytes", "255"],
  },
  {
    title: "the longest target that XFS has room for",
    layers: [[symlink("s", target.slice(0, 1023))]],
    tree: [`s -> ${target.slice(0, 1023)}`],
  },
  {
    title: "a target of 4,095 bytes: the filesystem's error, with the entry",
    layers: [[symlink("s", target)]],
    kind: "failed",
    refused: ["entry s", "ENAMETOOLONG"],
  },
  {
    title: "names with newline, colon, comma, backslash, percent, quotes, blanks",
    layers: [[
      file("a\nb", "1"),
      file("a:b,c", "2"),
      file("a\\b\\x41", "3"),
      file("a%20b%", "4"),
      file(' "a" ', "5"),
      directory("-rf"),
      file("-rf/*?[]", "6"),
      symlink("s:,\\", "a:b,c"),
    ]],
    tree: [
      ' "a" : 5',
      "-rf/",
      "-rf/*?[]: 6",
      "a\nb: 1",
      "a%20b%: 4",
      "a:b,c: 2",
      "a\\b\\x41: 3",
      "s:,\\ -> a:b,c",
    ],
  },
  {
    title: "names that are no UTF-8",
    layers: [[file(Uint8Array.of(0xff, 0xfe), "1"), file(Uint8Array.of(0xc3, 0x28), "2")], [
      file(Uint8Array.of(0xff, 0xfe), "upper"),
    ]],
    tree: ["\xc3(: 2", "\xff\xfe: upper"],
  },
  {
    title: "names that differ only by Unicode normalisation, or by case",
    layers: [[
      file("\u00e9", "composed"),
      file("e\u0301", "decomposed"),
      file("CASE", "1"),
      file("Case", "2"),
      file("case", "3"),
    ], [whiteout("Case"), whiteout("e\u0301")]],
    tree: ["CASE: 1", "case: 3", "\xc3\xa9: composed"],
  },
  {
    title: "names that mean something to the store",
    layers: [[
      file("fs", "1"),
      file("index.erofs", "2"),
      file("layer.json", "3"),
      file("00", "4"),
      file("ff/ff", "5"),
      file(".lamina", "6"),
    ]],
    tree: [
      ".lamina: 6",
      "00: 4",
      "ff/",
      "ff/ff: 5",
      "fs: 1",
      "index.erofs: 2",
      "layer.json: 3",
    ],
  },
];

/** See the module. */
export const REPLACEMENTS: HostileClass = {
  name: "replacements",
  cases: CASES,
  elsewhere: [
    [
      "every type over every other, by every strategy on every filesystem, claim by claim",
      "strategy/conformance_test.ts",
    ],
    ["any layers, against a model of the specification", "tree/merge_test.ts"],
    ["a target of 4,095 bytes, where the filesystem has room for it", "layer/tree_test.ts"],
    ["layers as GNU tar, bsdtar and umoci unpack them", "layer/differential_test.ts"],
  ],
};
