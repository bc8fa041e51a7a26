/**
 * Whiteouts and what looks like them.
 *
 * @module
 */

import {
  charDevice,
  directory,
  file,
  hardlink,
  opaque,
  symlink,
  whiteout,
} from "../support/tar.ts";
import type { HostileCase, HostileClass } from "./case.ts";

const LOWER = [
  directory("d"),
  file("d/a", "lower a"),
  file("d/b", "lower b"),
  directory("d/sub"),
  file("d/sub/c", "lower c"),
];
const D = ["d/", "d/a: lower a", "d/b: lower b"];
const SUB = ["d/sub/", "d/sub/c: lower c"];

const CASES: readonly HostileCase[] = [
  // Names.
  { title: ".wh. alone", layers: [[file("d/.wh.")]], refused: ["entry d/.wh.", "hides nothing"] },
  {
    title: ".wh..",
    layers: [LOWER, [file("d/.wh..")]],
    refused: ["entry d/.wh..", "hides nothing"],
  },
  {
    title: ".wh...",
    layers: [LOWER, [file("d/.wh...")]],
    refused: ["layer 2 of 2", "entry d/.wh...", "hides nothing"],
  },
  {
    title: ".wh..wh. and .wh..wh.x: AUFS' own, ignored",
    layers: [LOWER, [file("d/.wh..wh."), file("d/.wh..wh.x"), file("d/.wh..wh.aufs/x")]],
    tree: [...D, ...SUB],
  },
  { title: ".wh.NAME/..", layers: [LOWER, [file("d/.wh.a/..")]], refused: ["'..'"] },
  {
    title: "something below .wh.NAME",
    layers: [LOWER, [file("d/.wh.a/x")]],
    refused: ["entry d/.wh.a/x", "name of a whiteout"],
  },
  {
    title: "a whiteout of a whiteout's name, within the layer: of AUFS, ignored",
    layers: [LOWER, [file("d/.wh.a"), file("d/.wh..wh.a")]],
    tree: ["d/", "d/b: lower b", ...SUB],
  },
  {
    title: "names that only look like marks",
    layers: [LOWER, [file("d/wh.a", "1"), file("d/a.wh.b", "2"), file("d/.whx", "3")]],
    tree: [
      "d/",
      "d/.whx: 3",
      "d/a: lower a",
      "d/a.wh.b: 2",
      "d/b: lower b",
      ...SUB,
      "d/wh.a: 1",
    ],
  },
  // What they hide.
  {
    title: "whiteouts of what is not there",
    layers: [LOWER, [whiteout("d/nothing"), whiteout("nowhere/at/all"), whiteout("x")]],
    tree: [...D, ...SUB, "nowhere/", "nowhere/at/"],
  },
  {
    title: "a whiteout in a directory that no lower layer has: no ghost in it",
    layers: [LOWER, [directory("new"), whiteout("new/x"), file("new/y", "1")]],
    tree: [...D, ...SUB, "new/", "new/y: 1"],
  },
  {
    title: "a whiteout alone in a directory of the lowest layer",
    layers: [[directory("new"), whiteout("new/x")]],
    tree: ["new/"],
  },
  {
    title: "a whiteout of a directory with entries",
    layers: [LOWER, [whiteout("d/sub")]],
    tree: D,
  },
  {
    title: "a whiteout, and in the next layer the same name again: nothing of before",
    layers: [LOWER, [whiteout("d")], [file("d/new", "1")]],
    tree: ["d/", "d/new: 1"],
  },
  {
    title: "a whiteout below the layer's own symbolic link",
    layers: [LOWER, [symlink("way", "d"), whiteout("way/a")]],
    tree: ["d/", "d/b: lower b", ...SUB, "way -> d"],
  },
  {
    title: "a whiteout below a lower layer's symbolic link",
    layers: [[...LOWER, symlink("way", "d")], [whiteout("way/a")]],
    tree: ["d/", "d/b: lower b", ...SUB, "way -> d"],
  },
  {
    title: "an opaque mark below a lower layer's symbolic link",
    layers: [[...LOWER, symlink("way", "d/sub")], [opaque("way"), file("way/new", "1")]],
    tree: [...D, "d/sub/", "d/sub/new: 1", "way -> d/sub"],
  },
  {
    title: "an opaque mark below the layer's own symbolic link",
    layers: [LOWER, [symlink("way", "d/sub"), opaque("way")]],
    tree: [...D, "d/sub/", "way -> d/sub"],
  },
  {
    title: "a whiteout through a link that leads out",
    layers: [LOWER, [symlink("out", "../../.."), whiteout("out/d")]],
    tree: ["out -> ../../.."],
  },
  // Of other types.
  {
    title: "an opaque mark with content",
    layers: [LOWER, [file("d/.wh..wh..opq", "content ".repeat(1000))]],
    tree: ["d/"],
  },
  {
    title: "an opaque mark that is a hard link",
    layers: [LOWER, [file("x", "1"), hardlink("d/.wh..wh..opq", "x")]],
    tree: ["d/", "x: 1"],
  },
  {
    title: "an opaque mark that is a directory",
    layers: [LOWER, [directory("d/.wh..wh..opq")]],
    tree: ["d/"],
  },
  {
    title: "an opaque mark that is a symbolic link",
    layers: (aim) => [LOWER, [symlink("d/.wh..wh..opq", aim.outside)]],
    tree: ["d/"],
  },
  {
    title: "whiteouts that are links, directories, devices, with content",
    layers: (aim) => [LOWER, [
      hardlink("d/.wh.a", "nothing"),
      directory("d/.wh.b"),
      symlink("d/sub/.wh.c", aim.outside),
      charDevice("d/.wh.x", 0, 0),
    ]],
    tree: ["d/", "d/sub/"],
  },
  // Where they stand.
  {
    title: "an opaque mark before the entries of its layer",
    layers: [LOWER, [directory("d"), opaque("d"), file("d/new", "1")]],
    tree: ["d/", "d/new: 1"],
  },
  {
    title: "an opaque mark between the entries of its layer",
    layers: [LOWER, [directory("d"), file("d/one", "1"), opaque("d"), file("d/two", "2")]],
    tree: ["d/", "d/one: 1", "d/two: 2"],
  },
  {
    title: "an opaque mark after the entries of its layer",
    layers: [LOWER, [file("d/sub/new", "1"), directory("d"), opaque("d")]],
    tree: ["d/", "d/sub/", "d/sub/new: 1"],
  },
  {
    title: "opaque and plain whiteouts in one directory: no ghosts",
    layers: [LOWER, [whiteout("d/a"), opaque("d"), whiteout("d/b"), file("d/new", "1")]],
    tree: ["d/", "d/new: 1"],
  },
  {
    title: "an opaque root",
    layers: [LOWER, [opaque(""), file("new", "1")]],
    tree: ["new: 1"],
  },
  {
    title: "NAME and .wh.NAME in one layer, in both orders: NAME stays",
    layers: [LOWER, [
      file("d/a", "new a"),
      whiteout("d/a"),
      whiteout("d/b"),
      file("d/b", "new b"),
    ]],
    tree: ["d/", "d/a: new a", "d/b: new b", ...SUB],
  },
  {
    title: "a directory and its whiteout in one layer: the directory stays, what was in it goes",
    layers: [LOWER, [directory("d/sub"), file("d/sub/new", "1"), whiteout("d/sub")]],
    tree: [...D, "d/sub/", "d/sub/new: 1"],
  },
  {
    title: "a symbolic link and its whiteout in one layer",
    layers: [LOWER, [whiteout("d"), symlink("d", "elsewhere")]],
    tree: ["d -> elsewhere"],
  },
  // Marks of overlayfs.
  {
    title: "trusted.overlay.* of a layer's own",
    layers: [LOWER, [
      directory("d", {
        xattrs: { "trusted.overlay.opaque": "y", "trusted.overlay.redirect": "/x" },
      }),
      file("d/a", "mine", {
        xattrs: {
          "trusted.overlay.metacopy": "",
          "trusted.overlay.redirect": "/etc/shadow",
          "trusted.overlay.whiteout": "",
        },
      }),
    ]],
    tree: ["d/", "d/a: mine", "d/b: lower b", ...SUB],
  },
  {
    title: "trusted.overlay.* that is escaped, as nested overlays have it",
    layers: [LOWER, [
      directory("d", { xattrs: { "trusted.overlay.overlay.opaque": "y" } }),
      file("d/a", "mine", { xattrs: { "trusted.overlay.overlay.whiteout": "" } }),
    ]],
    tree: ["d/", "d/a: mine", "d/b: lower b", ...SUB],
  },
  {
    title: "user.overlay.* of a layer's own",
    layers: [LOWER, [
      directory("d", { xattrs: { "user.overlay.opaque": "y", "user.overlay.whiteouts": "" } }),
      file("d/a", "", { xattrs: { "user.overlay.whiteout": "y", "user.overlay.metacopy": "" } }),
    ]],
    tree: ["d/", "d/a: ", "d/b: lower b", ...SUB],
  },
  {
    title: "the store's own marks in a layer",
    layers: [LOWER, [
      directory("d", { xattrs: { "user.lamina.implied": "" } }),
      file("d/a", "mine", { xattrs: { "user.lamina.hardlink": "etc/shadow" } }),
    ]],
    tree: ["d/", "d/a: mine", "d/b: lower b", ...SUB],
  },
  {
    title: "a 0:0 character device of a layer's own",
    layers: [LOWER, [charDevice("d/a", 0, 0)]],
    refused: ["layer 2 of 2", "entry d/a", "number 0:0"],
  },
  {
    title: "a hard link to a whiteout",
    layers: [LOWER, [whiteout("d/a"), hardlink("h", "d/.wh.a")]],
    refused: ["entry h", "mark d/.wh.a"],
  },
  {
    title: "a hard link to what its layer hides: what it was below",
    layers: [LOWER, [whiteout("d/a"), hardlink("h", "d/a")]],
    tree: ["d/", "d/b: lower b", ...SUB, "h: lower a"],
  },
];

/** See the module. */
export const WHITEOUTS: HostileClass = {
  name: "whiteouts",
  cases: CASES,
  elsewhere: [
    ["trees of single layers, on disk and in the index, mark by mark", "layer/tree_test.ts"],
    ["any layers, against a model of the specification", "tree/merge_test.ts"],
    ["the same in a store without root's rights", "layer/rootless_test.ts"],
  ],
};
