/**
 * Archives, ordinary and hostile, and the trees that they make.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  blockDevice,
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
import { needs, notRoot } from "../support/root.ts";
import { FAST } from "../support/temp.ts";
import { sharedThreads } from "../support/threads.ts";
import { assertDiskMatches, describe, Workshop } from "./support.ts";

const root = directory("./");
const text = "x".repeat(100);
const deep = "d/".repeat(1000);
const longName = "n".repeat(255);

const TREES: [title: string, pieces: readonly TarPiece[], tree: readonly string[]][] = [
  ["an empty archive", [], ["/ implied"]],
  ["nothing but the root", [root], ["/"]],
  [
    "every type",
    [
      root,
      directory("d"),
      file("d/f", "content"),
      file("d/empty"),
      file("d/large", text),
      symlink("s", "d/f"),
      hardlink("h", "d/large"),
      charDevice("c", 1, 3),
      blockDevice("b", 7, 300),
      fifo("p"),
    ],
    [
      "/",
      "b block 7:300",
      "c char 1:3",
      "d/",
      "d/empty: ",
      "d/f: content",
      `d/large: ${text.slice(0, 40)}`,
      "h = d/large",
      "p fifo",
      "s -> d/f",
    ],
  ],
  [
    "names: absolute, with ./, doubled slashes and dots",
    [
      file("/abs", "1"),
      file("./dot", "2"),
      file("a//b/./c", "3"),
      directory("./x/./"),
      file("//y", "4"),
    ],
    ["/ implied", "a/ implied", "a/b/ implied", "a/b/c: 3", "abs: 1", "dot: 2", "x/", "y: 4"],
  ],
  ["the root by other names", [directory("/"), directory("."), directory("./.")], ["/"]],
  [
    "missing parents",
    [file("a/b/c", "x"), directory("a")],
    ["/ implied", "a/", "a/b/ implied", "a/b/c: x"],
  ],
  [
    "names with odd bytes",
    [
      file("new\nline"),
      file("a:b,c\\d%e"),
      file(Uint8Array.of(0xff, 0xfe)),
      file("\u00e9"),
      file("e\u0301"),
      file("CASE"),
      file("case"),
    ],
    [
      "/ implied",
      "CASE: ",
      "a:b,c\\d%e: ",
      "case: ",
      "e\xcc\x81: ",
      "new\nline: ",
      "\xc3\xa9: ",
      "\xff\xfe: ",
    ],
  ],
  ["a name of 255 bytes", [file(longName, "x")], ["/ implied", `${longName}: x`]],
  [
    "1000 directories deep",
    [file(`${deep}f`, "x")],
    [
      "/ implied",
      ...Array.from({ length: 1000 }, (_, i) => `${"d/".repeat(i)}d/ implied`),
      `${deep}f: x`,
    ],
  ],
  ["a target of 4095 bytes", [symlink("s", "t".repeat(4095))], [
    "/ implied",
    `s -> ${"t".repeat(4095)}`,
  ]],
  // Replacements within one layer: the last one wins.
  ["file, file", [file("a", "1"), file("a", "2")], ["/ implied", "a: 2"]],
  ["file, directory", [file("a", "1"), directory("a"), file("a/b", "2")], [
    "/ implied",
    "a/ opaque",
    "a/b: 2",
  ]],
  ["directory, file", [directory("a"), file("a/b", "1"), file("a", "2")], ["/ implied", "a: 2"]],
  ["directory, file, directory", [directory("a"), file("a/b"), file("a"), directory("a")], [
    "/ implied",
    "a/ opaque",
  ]],
  ["symlink, directory", [symlink("a", "b"), directory("a"), file("a/c", "1")], [
    "/ implied",
    "a/ opaque",
    "a/c: 1",
  ]],
  ["directory, symlink", [file("a/b/c"), symlink("a", "b")], ["/ implied", "a -> b"]],
  ["symlink, file", [symlink("a", "/etc/passwd"), file("a", "mine")], ["/ implied", "a: mine"]],
  ["file, symlink", [file("a", text), symlink("a", "b")], ["/ implied", "a -> b"]],
  ["device, file", [charDevice("a", 1, 3), file("a", "1")], ["/ implied", "a: 1"]],
  ["directory twice keeps its entries", [directory("a"), file("a/b", "1"), directory("a")], [
    "/ implied",
    "a/",
    "a/b: 1",
  ]],
  [
    "an entry of the cached directory's name is replaced",
    [file("a/b/1"), file("a/b/2"), symlink("a/b", "c"), file("a/b/3", "x")],
    ["/ implied", "a/ implied", "a/b -> c", "a/c/ implied", "a/c/3: x"],
  ],
  [
    "a hard link's target is replaced, the link stays",
    [file("a", text), hardlink("b", "a"), file("a", "new")],
    ["/ implied", "a: new", `b: ${text.slice(0, 40)}`],
  ],
  // Hard links.
  [
    "hard links to all but directories",
    [
      file("f", "1"),
      symlink("s", "f"),
      fifo("p"),
      charDevice("c", 1, 3),
      hardlink("f2", "./f"),
      hardlink("s2", "/s"),
      hardlink("p2", "p"),
      hardlink("c2", "c"),
      hardlink("f3", "f2"),
    ],
    [
      "/ implied",
      "c char 1:3",
      "c2 char 1:3",
      "f: 1",
      "f2 = f",
      "f3 = f",
      "p fifo",
      "p2 = p",
      "s -> f",
      "s2 = s",
    ],
  ],
  ["a hard link over an entry", [file("a", "1"), file("b", "2"), hardlink("b", "a")], [
    "/ implied",
    "a: 1",
    "b = a",
  ]],
  ["a hard link over the same link", [file("a", "1"), hardlink("b", "a"), hardlink("b", "a")], [
    "/ implied",
    "a: 1",
    "b = a",
  ]],
  ["a hard link over a directory", [
    directory("d"),
    file("d/x"),
    file("a", "1"),
    hardlink("d", "a"),
  ], [
    "/ implied",
    "a: 1",
    "d = a",
  ]],
  ["a hard link into a lower layer", [hardlink("d/b", "/lower/a"), hardlink("c", "d/b")], [
    "/ implied",
    "c => lower/a",
    "d/ implied",
    "d/b => lower/a",
  ]],
  ["a hard link into a lower layer, replaced", [hardlink("b", "lower"), file("b", "1")], [
    "/ implied",
    "b: 1",
  ]],
  [
    "a hard link to what this layer hides",
    [whiteout("a"), hardlink("b", "a"), hardlink("d", "c"), whiteout("c")],
    ["/ implied", "a whiteout", "b => a", "c whiteout", "d => c"],
  ],
  [
    "a hard link whose target is reached by a symbolic link",
    [file("real/f", "1"), symlink("way", "real"), hardlink("h", "way/f")],
    ["/ implied", "h: 1", "real/ implied", "real/f = h", "way -> real"],
  ],
  // Below symbolic links.
  [
    "a child below a symbolic link to a directory of the layer",
    [directory("usr/lib"), symlink("lib", "usr/lib"), file("lib/f", "1")],
    ["/ implied", "lib -> usr/lib", "usr/ implied", "usr/lib/", "usr/lib/f: 1"],
  ],
  [
    "the same by an absolute and by a relative link",
    [
      symlink("a/abs", "/real"),
      symlink("a/rel", "../real"),
      directory("a"),
      directory("real"),
      file("a/abs/1"),
      file("a/rel/2"),
    ],
    ["/ implied", "a/", "a/abs -> /real", "a/rel -> ../real", "real/", "real/1: ", "real/2: "],
  ],
  [
    "a link to a directory that only lower layers have",
    [symlink("lib", "usr/lib"), file("lib/f", "1")],
    ["/ implied", "lib -> usr/lib", "usr/ implied", "usr/lib/ implied", "usr/lib/f: 1"],
  ],
  [
    "links out of the root end at the root",
    [
      symlink("out", "../../../etc"),
      file("out/passwd", "mine"),
      symlink("root", "/.."),
      file("root/f", "1"),
    ],
    [
      "/ implied",
      "etc/ implied",
      "etc/passwd: mine",
      "f: 1",
      "out -> ../../../etc",
      "root -> /..",
    ],
  ],
  [
    "two steps of links",
    [symlink("a", "b"), symlink("b", "c"), directory("c"), file("a/x", "1")],
    ["/ implied", "a -> b", "b -> c", "c/", "c/x: 1"],
  ],
  // Whiteouts.
  ["a whiteout", [whiteout("d/gone")], ["/ implied", "d/ implied", "d/gone whiteout"]],
  ["a whiteout twice", [whiteout("a"), whiteout("a")], ["/ implied", "a whiteout"]],
  ["an opaque directory", [directory("d"), opaque("d"), file("d/f", "1")], [
    "/ implied",
    "d/ opaque",
    "d/f: 1",
  ]],
  ["an opaque mark before the directory", [opaque("d"), directory("d")], [
    "/ implied",
    "d/ opaque",
  ]],
  ["an opaque mark without the directory", [opaque("d")], ["/ implied", "d/ implied opaque"]],
  ["an opaque root", [opaque(""), file("f", "1")], ["/ implied opaque", "f: 1"]],
  ["an opaque mark with another entry of the directory behind it", [
    opaque("d"),
    file("d/f"),
    directory("d", { mode: 0o700 }),
  ], [
    "/ implied",
    "d/ opaque",
    "d/f: ",
  ]],
  ["file, then its whiteout: the file stays", [file("a", "1"), whiteout("a")], [
    "/ implied",
    "a: 1",
  ]],
  ["whiteout, then the file: the file stays", [whiteout("a"), file("a", "1")], [
    "/ implied",
    "a: 1",
  ]],
  ["directory, then its whiteout: opaque", [directory("a"), file("a/b", "1"), whiteout("a")], [
    "/ implied",
    "a/ opaque",
    "a/b: 1",
  ]],
  ["whiteout, then the directory: opaque", [whiteout("a"), directory("a")], [
    "/ implied",
    "a/ opaque",
  ]],
  ["whiteout, then something below it: a new directory", [whiteout("a"), file("a/b", "1")], [
    "/ implied",
    "a/ opaque",
    "a/b: 1",
  ]],
  ["something below, then the whiteout", [file("a/b", "1"), whiteout("a")], [
    "/ implied",
    "a/ opaque",
    "a/b: 1",
  ]],
  [
    "whiteouts in an opaque directory have nothing to hide",
    [directory("d"), whiteout("d/before"), opaque("d"), whiteout("d/after"), file("d/f", "1")],
    ["/ implied", "d/ opaque", "d/f: 1"],
  ],
  ["a whiteout below a symbolic link", [
    directory("real"),
    symlink("way", "real"),
    whiteout("way/x"),
  ], [
    "/ implied",
    "real/",
    "real/x whiteout",
    "way -> real",
  ]],
  ["an opaque mark below a symbolic link", [
    directory("real"),
    symlink("way", "real"),
    opaque("way"),
  ], [
    "/ implied",
    "real/ opaque",
    "way -> real",
  ]],
  [
    "marks of other types, and with content",
    [
      hardlink(".wh.hard", "anything"),
      symlink(".wh.sym", "anything"),
      directory(".wh.dir/"),
      file(".wh.content", text.repeat(99)),
      fifo(".wh.fifo"),
      charDevice(".wh.dev", 0, 0),
      file("d/.wh..wh..opq", text),
      file("after", "1"),
    ],
    [
      "/ implied",
      "after: 1",
      "content whiteout",
      "d/ implied opaque",
      "dev whiteout",
      "dir whiteout",
      "fifo whiteout",
      "hard whiteout",
      "sym whiteout",
    ],
  ],
  [
    "names that only look like marks",
    [file("wh.x", "1"), file("x.wh.y", "2"), whiteout(".wh"), whiteout(" "), whiteout("...")],
    ["/ implied", "\x20 whiteout", "... whiteout", ".wh whiteout", "wh.x: 1", "x.wh.y: 2"],
  ],
  [
    "what AUFS kept for itself",
    [
      file(".wh..wh.aufs"),
      directory(".wh..wh.plnk/"),
      file(".wh..wh.plnk/1.2", "x"),
      directory("d/.wh..wh.orph"),
      file("d/f", "1"),
    ],
    ["/ implied", "d/ implied", "d/f: 1"],
  ],
  // Attributes that would be marks.
  [
    "xattrs that would be overlayfs' or ours are dropped",
    [
      directory("d", {
        xattrs: { "trusted.overlay.opaque": "y", "user.overlay.opaque": "y", "user.mine": "1" },
      }),
      file("f", "1", {
        xattrs: {
          "trusted.overlay.metacopy": "",
          "trusted.overlay.redirect": "/etc/shadow",
          "user.overlay.whiteout": "",
          "user.lamina.hardlink": "etc/shadow",
        },
      }),
      symlink("s", "f", { xattrs: { "user.x": "1" } }),
    ],
    ["/ implied", "d/", "f: 1", "s -> f"],
  ],
];

Deno.test({
  ...needs("layer: trees of archives, in memory and on disk", notRoot()),
  async fn(t) {
    await using workshop = new Workshop({ where: FAST, pipeline: sharedThreads(true) });
    for (const [title, pieces, tree] of TREES) {
      await t.step(title, async () => {
        const layer = await workshop.ingest(pieces);
        assertEquals(describe(layer), tree);
        assertEquals(layer.result.entries, tree.length);
        assertDiskMatches(layer);
      });
    }
  },
});

const REFUSED: [title: string, pieces: readonly TarPiece[], says: readonly string[]][] = [
  ["a name with ..", [file("a/../b")], ["entry a/../b", "'..'"]],
  ["a name that leads out", [file("../../etc/passwd")], ["entry ../../etc/passwd", "'..'"]],
  ["a hard link that leads out", [hardlink("h", "../../etc/passwd")], ["entry h", "'..'"]],
  ["a name of 256 bytes", [file(`d/${"n".repeat(256)}`)], ["256 bytes"]],
  ["a root that is a file", [file(".", "x")], ["entry /", "root would be a file"]],
  ["a root with data", [file("/", "x")], ["entry /", "named as a directory"]],
  ["a root that is a symbolic link", [symlink("./", "/etc")], [
    "entry /",
    "root would be a symlink",
  ]],
  ["a root that is a hard link", [file("a"), hardlink(".", "a")], ["root would be a link"]],
  ["a hard link to a directory", [directory("d"), hardlink("h", "d")], [
    "entry h",
    "hard link to the directory d",
  ]],
  ["a hard link to the root", [hardlink("h", "/")], ["entry h", "root directory"]],
  ["a hard link to itself", [hardlink("h", "./h")], ["entry h", "itself"]],
  ["a hard link to itself, over a file", [file("h"), hardlink("h", "h")], ["entry h", "itself"]],
  ["a hard link to a later entry", [hardlink("h", "d/later"), file("d/later", "x")], [
    "entry h",
    "d/later is a later entry",
  ]],
  ["a hard link over its target's directory", [file("d/x", "1"), hardlink("d", "d/x")], [
    "entry d",
    "replace the directory",
  ]],
  ["a hard link to a mark", [whiteout("a"), hardlink("h", ".wh.a")], ["entry h", "mark .wh.a"]],
  ["something below a file", [file("f"), file("f/x")], [
    "entry f/x",
    "f on its path is no directory",
  ]],
  ["something below a device", [charDevice("c", 1, 3), file("c/x")], ["entry c/x", "no directory"]],
  ["something below a link into a lower layer", [hardlink("h", "lower"), file("h/x")], [
    "entry h/x",
    "no directory",
  ]],
  ["something below a link to a file", [file("f"), symlink("s", "f"), file("s/x")], [
    "entry s/x",
    "f on its path is no directory",
  ]],
  ["links in a circle", [symlink("a", "b"), symlink("b", "a"), file("a/x")], [
    "entry a/x",
    "in a circle",
  ]],
  ["a link to itself", [symlink("a", "a"), file("a/x")], ["entry a/x", "in a circle"]],
  ["a link into the unknown and out again", [symlink("s", "lower/../x"), file("s/f")], [
    "entry s/f",
    "only lower layers know",
  ]],
  ["a link to a name of a mark", [symlink("s", "a/.wh.b"), file("s/f")], ["entry s/f", ".wh.b"]],
  ["a whiteout of nothing", [file(".wh.")], ["entry .wh.", "hides nothing"]],
  ["a whiteout of .", [file("d/.wh..")], ["entry d/.wh..", "hides nothing"]],
  ["a whiteout of ..", [file("d/.wh...")], ["entry d/.wh...", "hides nothing"]],
  ["a whiteout and ..", [file(".wh.x/..")], ["'..'"]],
  ["something below a whiteout's name", [file(".wh.x/y")], ["entry .wh.x/y", "name of a whiteout"]],
  ["a device that would be a whiteout", [charDevice("d/null", 0, 0)], [
    "entry d/null",
    "number 0:0",
  ]],
  ["a device number beyond Linux'", [blockDevice("b", 4096, 0)], ["entry b", "4096:0"]],
];

Deno.test({
  ...needs("layer: archives that are refused, by entry and reason", notRoot()),
  async fn(t) {
    await using workshop = new Workshop({ where: FAST, pipeline: sharedThreads(true) });
    for (const [title, pieces, says] of REFUSED) {
      await t.step(title, async () => {
        const error = await workshop.refuse([file("first", text), ...pieces], says);
        assertEquals(error.kind, "invalid");
        assertEquals(workshop.objectNames(), []);
      });
    }
  },
});

Deno.test({
  ...needs("layer: what is left out is counted", notRoot()),
  async fn() {
    await using workshop = new Workshop({ where: FAST, pipeline: sharedThreads(true) });
    const { result } = await workshop.ingest([
      file("f", text, { xattrs: { "user.overlay.redirect": "1", "user.keep": "1" } }),
      fifo("p", { xattrs: { "user.x": "1", "trusted.keep": "1" } }),
      file(".wh..wh.aufs"),
      hardlink("g", "f"),
    ]);
    assertEquals(result.droppedXattrs, 2);
    assertEquals(result.ignoredEntries, 1);
    assertEquals(result.entries, 4);
    assertEquals(result.fileBytes, 100);
    assertEquals(result.sharedBytes, 0);
  },
});
