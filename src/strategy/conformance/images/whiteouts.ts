/**
 * Whiteouts and opaque directories.
 *
 * @module
 */

import {
  blockDevice,
  charDevice,
  directory,
  fifo,
  file,
  hardlink,
  opaque,
  symlink,
  whiteout,
} from "../tar.ts";
import { claim, type TreeImage } from "./image.ts";

/** See the module. */
export const WHITEOUTS: readonly TreeImage[] = [
  {
    id: "whiteouts",
    says: "whiteouts of everything, wherever they stand",
    layers: () => [
      [
        file("file", "f"),
        directory("directory"),
        file("directory/inside", "i"),
        symlink("link", "file"),
        fifo("fifo"),
        charDevice("char", 1, 3),
        blockDevice("block", 8, 1),
        directory("keep", { mode: 0o710, mtime: 123 }),
        file("keep/gone", "x"),
        file("keep/stays", "y"),
        directory("emptied"),
        file("emptied/only", "o"),
        file("back", "first"),
        directory("returns"),
        file("returns/old", "o"),
        file("early", "low"),
        file("late", "low"),
        directory("other-type"),
        file("other-type/x", "x"),
        file("pair-a", "pair"),
        hardlink("pair-b", "pair-a"),
        file("twice", "1"),
        directory("deep/er"),
        file("deep/er/gone", "g"),
        file("deep/er/stays", "s"),
      ],
      [
        whiteout("file"),
        whiteout("directory"),
        whiteout("link"),
        whiteout("fifo"),
        whiteout("char"),
        whiteout("block"),
        whiteout("keep/gone"),
        whiteout("emptied/only"),
        whiteout("back"),
        whiteout("returns"),
        whiteout("never-there"),
        whiteout("nowhere/below"),
        whiteout("early"),
        file("early", "own"),
        file("late", "own"),
        whiteout("late"),
        whiteout("other-type"),
        whiteout("pair-a"),
        file("twice", "2"),
        whiteout("deep/er/gone"),
      ],
      [
        file("back", "again"),
        directory("returns", { mode: 0o701 }),
        file("returns/new", "n"),
        symlink("other-type", "keep"),
        whiteout("twice"),
      ],
    ],
    claims: [
      claim("file", "a file is hidden", { file: null }),
      claim("directory", "a directory is hidden with all in it", {
        directory: null,
        "directory/inside": null,
      }),
      claim("symlink", "a symbolic link is hidden, not what it leads to", { link: null }),
      claim("fifo", "a fifo is hidden", { fifo: null }),
      claim("char", "a character device is hidden", { char: null }),
      claim("block", "a block device is hidden", { block: null }),
      claim("nested", "one entry of a directory is hidden, the others stay", {
        keep: "directory mode=710",
        "keep/gone": null,
        "keep/stays": "file",
      }),
      claim("emptied", "a directory whose only entry is hidden stays", {
        emptied: "directory",
        "emptied/only": null,
      }),
      claim("back", "a third layer brings a file back", { back: "file size=5" }),
      claim("returns", "a directory that comes back has none of its old entries", {
        returns: "directory mode=701",
        "returns/new": "file",
        "returns/old": null,
      }),
      claim("absent", "hiding what is not there leaves nothing behind", { "never-there": null }),
      claim("early", "a whiteout before the entry of its own layer does not hide it", {
        early: "file size=3",
      }),
      claim("late", "nor does one after it", { late: "file size=3" }),
      claim("other-type", "what comes back may be of another type", {
        "other-type": "symlink target=keep",
        "other-type/x": null,
      }),
      claim("link-group", "of a hard-link group only the one name is hidden", {
        "pair-a": null,
        "pair-b": "file size=4",
      }),
      claim("twice", "what a layer replaced, the next one hides", { twice: null }),
      claim("deep", "in a directory that is only implied", {
        "deep/er": "directory",
        "deep/er/gone": null,
        "deep/er/stays": "file",
      }),
      claim("names", "no name of a whiteout is seen", {
        ".wh.file": null,
        ".wh.never-there": null,
        "keep/.wh.gone": null,
        ".wh.late": null,
      }),
    ],
  },
  {
    id: "opaque",
    says: "opaque directories",
    layers: () => [
      [
        directory("a"),
        file("a/low", "1"),
        directory("a/sub"),
        file("a/sub/low", "2"),
        file("b/low", "3"),
        directory("c", { mode: 0o750 }),
        file("c/low", "4"),
        directory("mixed"),
        file("mixed/low", "5"),
        file("mixed/hidden", "5"),
        directory("inner/opaque"),
        file("inner/opaque/low", "6"),
        file("inner/stays", "7"),
      ],
      [
        directory("a", { mode: 0o700 }),
        opaque("a"),
        file("a/high", "4"),
        opaque("b"),
        file("b/high", "5"),
        directory("c"),
        opaque("c"),
        file("mixed/high", "8"),
        opaque("mixed"),
        whiteout("mixed/hidden"),
        directory("inner/opaque"),
        opaque("inner/opaque"),
        directory("new"),
        opaque("new"),
        file("new/file", "n"),
      ],
      [directory("a/sub"), file("a/sub/top", "6"), file("c/top", "9")],
    ],
    claims: [
      claim("hides", "it hides all that lower layers have in it", {
        a: "directory mode=700",
        "a/low": null,
        "a/high": "file",
      }),
      claim("subdirectory", "a subdirectory that comes back has none of its old entries", {
        "a/sub": "directory",
        "a/sub/low": null,
        "a/sub/top": "file",
      }),
      claim("implied", "without an entry of its own in that layer", {
        b: "directory",
        "b/low": null,
        "b/high": "file",
      }),
      claim("emptied", "one with nothing in it in its layer, and something above", {
        "c/low": null,
        "c/top": "file",
      }),
      claim("mark-last", "the mark may follow the entries of its layer", {
        "mixed/high": "file",
        "mixed/low": null,
        "mixed/hidden": null,
      }),
      claim("nested", "only itself, not its parent", {
        "inner/stays": "file",
        "inner/opaque": "directory",
        "inner/opaque/low": null,
      }),
      claim("new", "one that no lower layer has", { new: "directory", "new/file": "file" }),
      claim("names", "no mark is seen", {
        "a/.wh..wh..opq": null,
        "b/.wh..wh..opq": null,
        "mixed/.wh..wh..opq": null,
      }),
    ],
  },
  {
    id: "opaque-root",
    says: "an opaque root",
    layers: () => [
      [directory("low"), file("low/file", "1"), file("file", "1"), directory("kept")],
      [opaque(""), file("high", "2"), directory("kept"), file("kept/new", "n")],
    ],
    claims: [
      claim("hides", "all lower layers are hidden", { low: null, file: null, high: "file" }),
      claim("merged", "what the layer has itself is all there is", {
        kept: "directory",
        "kept/new": "file",
      }),
    ],
  },
  {
    id: "whiteout-then-opaque",
    says: "a directory that comes and goes in many layers",
    layers: () => [
      [directory("d", { mode: 0o700 }), file("d/one", "1"), directory("d/e"), file("d/e/low", "l")],
      [whiteout("d")],
      [directory("d"), directory("d/e"), file("d/e/two", "2")],
      [opaque("d"), file("d/e", "a file")],
      [whiteout("d/e"), directory("d/e", { mode: 0o711 }), file("d/e/three", "3")],
    ],
    claims: [
      claim("last", "only what came last is there", {
        "d/e": "directory mode=711",
        "d/e/three": "file",
      }),
      claim("gone", "nothing of the layers before", {
        "d/one": null,
        "d/e/low": null,
        "d/e/two": null,
      }),
    ],
  },
];
