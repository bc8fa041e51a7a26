import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { Inode, isWhiteout, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG } from "../../src/tree/inode.ts";
import { HARDLINK, IMPLIED, OPAQUE } from "../../src/tree/marks.ts";
import { mergeLayers, plainStack } from "../../src/tree/merge.ts";
import { countLinks, countNumbered, countTree } from "../../src/tree/count.ts";
import { formatDump } from "../../src/tree/dump_writer.ts";
import { Numbering } from "../../src/tree/erofs_numbering.ts";
import { readErofs } from "../../src/tree/erofs_reader.ts";
import { streamErofs, writeErofs } from "../../src/tree/erofs_writer.ts";
import { MergedImages, NeedsTrees } from "../../src/tree/merge_images.ts";
import { encodeOrigins, OriginColumn } from "../../src/tree/origins.ts";

const EMPTY = new Uint8Array();

/**
 * A layer in shorthand: path → what. `"text"`: a file; `null`: a whiteout; `{to}`: a symbolic link; `{dir}`: a directory with that
 * mode; `{opaque}`: an opaque one; `{link}`: a hard link to a path of this layer; `{lower}`: one to a path of a lower layer. A directory
 * that is not named is implied.
 */
type Shorthand = Record<
  string,
  string | null | { to: string } | { dir: number } | { opaque: true } | { link: string } | {
    lower: string;
  }
>;

function implied(): Inode {
  const directory = new Inode(S_IFDIR | 0o755);
  directory.xattrs = new Map([[IMPLIED, EMPTY]]);
  return directory;
}

function layerOf(entries: Shorthand): Inode {
  const root = "/" in entries
    ? new Inode(S_IFDIR | (entries["/"] as { dir: number }).dir)
    : implied();
  const find = (path: string): [Inode, string] => {
    const parts = path.split("/");
    let directory = root;
    for (const part of parts.slice(0, -1)) {
      if (!directory.children!.has(part)) directory.children!.set(part, implied());
      directory = directory.children!.get(part)!;
    }
    return [directory, parts.at(-1)!];
  };
  const make = (what: Shorthand[string]): Inode => {
    if (what === null) return new Inode(S_IFCHR);
    if (typeof what === "string") {
      const file = new Inode(S_IFREG | 0o644);
      file.content = new TextEncoder().encode(what);
      file.size = what.length;
      return file;
    }
    if ("to" in what) {
      const link = new Inode(S_IFLNK | 0o777);
      link.target = what.to;
      return link;
    }
    if ("lower" in what) {
      const placeholder = new Inode(S_IFREG);
      placeholder.xattrs = new Map([[HARDLINK, new TextEncoder().encode(what.lower)]]);
      return placeholder;
    }
    const directory = new Inode(S_IFDIR | ("dir" in what ? what.dir : 0o755));
    if ("opaque" in what) directory.xattrs = new Map([[OPAQUE, new Uint8Array([0x79])]]);
    return directory;
  };
  for (const [path, what] of Object.entries(entries)) {
    if (path === "/") continue;
    const [directory, name] = find(path);
    if (what !== null && typeof what === "object" && "link" in what) {
      const [where, target] = find(what.link);
      directory.children!.set(name, where.children!.get(target)!);
    } else directory.children!.set(name, make(what));
  }
  return root;
}

/** A tree in a form that can be compared: path → what, link groups by their first path. */
function shown(root: Inode): Record<string, string> {
  const out: Record<string, string> = {};
  const first = new Map<Inode, string>();
  const visit = (directory: Inode, path: string) => {
    for (const name of [...directory.children!.keys()].sort()) {
      const inode = directory.children!.get(name)!;
      const at = path === "" ? name : `${path}/${name}`;
      const marks = [...inode.xattrs?.keys() ?? []].join(",");
      if (inode.children !== null) {
        out[at] = `dir ${(inode.mode & 0o7777).toString(8)}${marks}`;
        visit(inode, at);
      } else if (first.has(inode)) out[at] = `= ${first.get(inode)}`;
      else {
        first.set(inode, at);
        const what = isWhiteout(inode)
          ? "whiteout"
          : inode.target !== ""
          ? `-> ${inode.target}`
          : new TextDecoder().decode(inode.content ?? EMPTY);
        out[at] = what + marks + (inode.nlink > 1 ? ` x${inode.nlink}` : "");
      }
    }
  };
  visit(root, "");
  return out;
}

Deno.test("merging, by table", async (t) => {
  const cases: {
    name: string;
    needsTrees?: true;
    layers: Shorthand[];
    tree: Record<string, string>;
  }[] = [
    {
      name: "nothing above: the layer itself",
      layers: [{ a: { dir: 0o700 }, "a/b": "x" }],
      tree: { a: "dir 700", "a/b": "x" },
    },
    {
      name: "a whiteout hides a file and a directory below",
      layers: [{ f: "1", "d/x": "2", "d/y": "3", k: "4" }, { f: null, d: null }],
      tree: { k: "4" },
    },
    {
      name: "a whiteout of nothing is nothing",
      needsTrees: true,
      layers: [{ f: "1" }, { g: null, "h/i": null }],
      tree: { f: "1", h: "dir 755" },
    },
    {
      name: "a whiteout hides lower layers only, a higher one brings back",
      layers: [{ f: "1" }, { f: null }, { f: "3" }],
      tree: { f: "3" },
    },
    {
      name: "opaque hides what lower layers have, not its own",
      layers: [{ "d/a": "1", "d/e/b": "2" }, { d: { opaque: true }, "d/c": "3" }],
      tree: { d: "dir 755", "d/c": "3" },
    },
    {
      name: "an opaque directory below an implied one",
      layers: [{ "p/d/a": "1", "p/k": "2" }, { "p/d": { opaque: true } }],
      tree: { p: "dir 755", "p/d": "dir 755", "p/k": "2" },
    },
    {
      name: "directory over directory: metadata of the upper, entries of both",
      layers: [{ d: { dir: 0o700 }, "d/a": "1" }, { d: { dir: 0o1777 }, "d/b": "2" }],
      tree: { d: "dir 1777", "d/a": "1", "d/b": "2" },
    },
    {
      name: "an implied directory keeps the metadata below",
      layers: [{ d: { dir: 0o700 }, "d/a": "1" }, { "d/b": "2" }],
      tree: { d: "dir 700", "d/a": "1", "d/b": "2" },
    },
    {
      name: "file over directory, directory over file, link over both",
      layers: [{ "a/x": "1", b: "2", "c/y": "3", d: { to: "b" } }, {
        a: "f",
        b: { dir: 0o755 },
        "b/z": "4",
        c: { to: "a" },
        d: { dir: 0o711 },
      }],
      tree: { a: "f", b: "dir 755", "b/z": "4", c: "-> a", d: "dir 711" },
    },
    {
      name: "a child below a symbolic link goes where it leads",
      needsTrees: true,
      layers: [{ "usr/lib/a": "1", lib: { to: "usr/lib" } }, { "lib/b": "2" }],
      tree: {
        lib: "-> usr/lib",
        usr: "dir 755",
        "usr/lib": "dir 755",
        "usr/lib/a": "1",
        "usr/lib/b": "2",
      },
    },
    {
      name: "through absolute links, links to links, and out of the root",
      needsTrees: true,
      layers: [
        { "usr/lib/a": "1", lib: { to: "/l2" }, l2: { to: "../../usr/./lib" } },
        { "lib/d/b": "2" },
        { "l2/d/c": "3" },
      ],
      tree: {
        l2: "-> ../../usr/./lib",
        lib: "-> /l2",
        usr: "dir 755",
        "usr/lib": "dir 755",
        "usr/lib/a": "1",
        "usr/lib/d": "dir 755",
        "usr/lib/d/b": "2",
        "usr/lib/d/c": "3",
      },
    },
    {
      name: "a link that leads nowhere, to a file or in a circle gives way",
      needsTrees: true,
      layers: [{ a: { to: "none" }, b: { to: "f" }, c: { to: "c" }, f: "1" }, {
        "a/x": "2",
        "b/x": "3",
        "c/x": "4",
      }],
      tree: {
        a: "dir 755",
        "a/x": "2",
        b: "dir 755",
        "b/x": "3",
        c: "dir 755",
        "c/x": "4",
        f: "1",
      },
    },
    {
      name: "a directory with an entry of its own replaces the link",
      layers: [{ "usr/lib/a": "1", lib: { to: "usr/lib" } }, { lib: { dir: 0o755 }, "lib/b": "2" }],
      tree: {
        lib: "dir 755",
        "lib/b": "2",
        usr: "dir 755",
        "usr/lib": "dir 755",
        "usr/lib/a": "1",
      },
    },
    {
      name: "a whiteout below a symbolic link",
      needsTrees: true,
      layers: [{ "usr/lib/a": "1", "usr/lib/b": "2", lib: { to: "usr/lib" } }, { "lib/a": null }],
      tree: { lib: "-> usr/lib", usr: "dir 755", "usr/lib": "dir 755", "usr/lib/b": "2" },
    },
    {
      name: "a hard link into a lower layer",
      needsTrees: true,
      layers: [{ "d/f": "1" }, { g: { lower: "d/f" } }],
      tree: { d: "dir 755", "d/f": "1 x2", g: "= d/f" },
    },
    {
      name: "renamed by hard link and whiteout",
      needsTrees: true,
      layers: [{ "d/f": "1" }, { g: { lower: "d/f" }, "d/f": null }],
      tree: { d: "dir 755", g: "1" },
    },
    {
      name: "a hard link to what the same layer replaces means what was there",
      needsTrees: true,
      layers: [{ f: "old" }, { g: { lower: "f" }, f: "new" }],
      tree: { f: "new", g: "old" },
    },
    {
      name: "link groups of a layer stay, and shrink",
      layers: [{ a: "1", b: { link: "a" }, c: { link: "a" } }, { b: "2" }],
      tree: { a: "1 x2", b: "2", c: "= a" },
    },
    {
      name: "a hard link through a lower layer's symbolic link, to one that was moved",
      needsTrees: true,
      layers: [{ "usr/lib/a": "1", lib: { to: "usr/lib" } }, { "lib/b": "2" }, {
        x: { lower: "lib/b" },
      }],
      tree: {
        lib: "-> usr/lib",
        usr: "dir 755",
        "usr/lib": "dir 755",
        "usr/lib/a": "1",
        "usr/lib/b": "2 x2",
        x: "= usr/lib/b",
      },
    },
  ];
  for (const { name, layers, tree, needsTrees = false } of cases) {
    await t.step(name, () => {
      const merged = mergeLayers(layers.map(layerOf));
      assertEquals(shown(merged.root), tree);
      assertEquals(sameOutOfImages(layers), !needsTrees);
    });
  }
});

Deno.test("origins: the layer, and the path in it where that is another", () => {
  const shorthands: Shorthand[] = [
    { "usr/lib/a": "1", lib: { to: "usr/lib" }, f: "x" },
    { "lib/b": "2", "lib/c": { link: "lib/b" }, k: "y" },
    { x: { lower: "lib/b" }, y: { lower: "f" } },
  ];
  const { root } = mergeLayers(shorthands.map(layerOf));
  const at = (path: string) =>
    path.split("/").reduce((inode, name) => inode.children!.get(name)!, root);
  const origin = (path: string) => [at(path).origin!.layer, at(path).origin!.path];
  assertEquals(origin("usr/lib/a"), [0, null]);
  assertEquals(origin("lib"), [0, null]);
  assertEquals(origin("k"), [1, null]);
  assertEquals(origin("y"), [0, "f"]);
  const [layer, path] = origin("x");
  assertEquals(layer, 1);
  assert(path === "lib/b" || path === "lib/c", `a path in layer 1: ${path}`);
});

Deno.test("a hard link to a file that no lower layer has names path and layer", async (t) => {
  const cases: [string, Shorthand[], string][] = [
    [
      "missing",
      [{ a: "1" }, { "d/l": { lower: "b" } }],
      "layer 2: d/l is a hard link to b, but no lower layer",
    ],
    [
      "a directory",
      [{ "a/x": "1" }, { l: { lower: "a" } }],
      "layer 2: l is a hard link to a, but that is a directory",
    ],
    ["whited out before", [{ a: "1" }, { a: null }, { l: { lower: "a" } }], "layer 3: l"],
    ["in the lowest layer", [{ l: { lower: "a" } }], "layer 1: l"],
  ];
  for (const [name, layers, message] of cases) {
    await t.step(name, () => {
      assertThrows(() => mergeLayers(layers.map(layerOf)), LaminaError, message);
    });
  }
});

Deno.test("a plain stack needs no fixup; the special cases get one", () => {
  const fixup = (...layers: Shorthand[]) => mergeLayers(layers.map(layerOf)).fixup;
  const root = { "/": { dir: 0o755 } };
  assertEquals(
    fixup({ ...root, d: { dir: 0o755 }, "d/f": "1" }, { ...root, d: { dir: 0o700 }, "d/g": "2" }),
    undefined,
  );
  // Implied, but just as it is below.
  assertEquals(fixup({ "d/f": "1" }, { "d/g": "2" }), undefined);
  const metadata = fixup({ ...root, d: { dir: 0o700 }, "d/f": "1" }, { "d/g": "2" })!;
  assertEquals(shown(metadata), { d: "dir 700" });
  assertEquals(shown(fixup({ f: "1" }, { g: { lower: "f" } })!), { g: "1 x2" });
  assertEquals(
    shown(fixup({ "u/l/a": "1", "u/l/w": "2", l: { to: "u/l" } }, { "l/b": "3", "l/w": null })!),
    {
      l: "-> u/l",
      u: "dir 755",
      "u/l": "dir 755",
      "u/l/b": "3",
      "u/l/w": "whiteout",
    },
  );
});

/** A random layer over a small world of names, so that layers meet each other often. */
const anyLayer: fc.Arbitrary<Shorthand> = fc.array(
  fc.tuple(
    fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 3 }).map((parts) =>
      parts.join("/")
    ),
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("1", "2", "3") },
      { weight: 2, arbitrary: fc.constant(null) },
      {
        weight: 2,
        arbitrary: fc.constantFrom({ to: "a" }, { to: "b/c" }, { to: "/c" }, { to: ".." }, {
          to: "none",
        }),
      },
      { weight: 2, arbitrary: fc.constantFrom({ dir: 0o700 }, { dir: 0o755 }) },
      { weight: 1, arbitrary: fc.constant({ opaque: true as const }) },
    ),
  ),
  { maxLength: 8 },
).map((entries) => {
  const layer: Shorthand = {};
  for (const [path, what] of entries) {
    // A path below something that is no directory in this layer cannot be.
    const above = path.split("/").slice(0, -1).map((_, i, all) => all.slice(0, i + 1).join("/"));
    const blocked = above.some((p) => p in layer && !isDirectory(layer[p]));
    const covers = !isDirectory(what) && Object.keys(layer).some((p) => p.startsWith(path + "/"));
    if (!blocked && !covers) layer[path] = what;
  }
  return layer;
});

function isDirectory(what: Shorthand[string]): boolean {
  return what !== null && typeof what === "object" && ("dir" in what || "opaque" in what);
}

Deno.test("property: the layers and the fixup, stacked as overlay does, show the tree", () => {
  fc.assert(
    fc.property(fc.array(anyLayer, { minLength: 1, maxLength: 4 }), (shorthands) => {
      const layers = shorthands.map(layerOf);
      const { root, fixup } = mergeLayers(layers);
      const stack = plainStack(fixup === undefined ? layers : [...layers, fixup]);
      assertEquals(shown(stack), shown(root));
      assertEquals(stack.mode, root.mode);
    }),
    { numRuns: 2000 },
  );
});

Deno.test("property: without links and implied directories, merging is a simple fold over paths", () => {
  const plain = anyLayer.map((layer) => {
    const whole: Shorthand = { "/": { dir: 0o755 } };
    for (const [path, what] of Object.entries(layer)) {
      if (what !== null && typeof what === "object" && "to" in what) continue;
      const parts = path.split("/");
      for (let i = 1; i < parts.length; i++) whole[parts.slice(0, i).join("/")] ??= { dir: 0o755 };
      whole[path] = what;
    }
    return whole;
  });
  fc.assert(
    fc.property(fc.array(plain, { minLength: 1, maxLength: 4 }), (layers) => {
      // The model: a flat map from paths, where removing a path removes all below it.
      const model = new Map<string, string>();
      const remove = (path: string, itself: boolean) => {
        for (const p of [...model.keys()]) {
          if (p.startsWith(path + "/") || (itself && p === path)) model.delete(p);
        }
      };
      for (const layer of layers) {
        const entries = Object.entries(layer).filter(([path]) => path !== "/");
        for (const [path, what] of entries) {
          if (what === null) remove(path, true);
          else if (typeof what === "object" && "opaque" in what) remove(path, false);
        }
        for (const [path, what] of entries) {
          if (what === null) continue;
          if (typeof what === "string") {
            remove(path, true);
            model.set(path, what);
          } else if (!model.get(path)?.startsWith("dir")) {
            model.set(path, `dir ${"dir" in what ? what.dir.toString(8) : "755"}`);
          } else model.set(path, `dir ${"dir" in what ? what.dir.toString(8) : "755"}`);
        }
      }
      assertEquals(shown(mergeLayers(layers.map(layerOf)).root), Object.fromEntries(model));
    }),
    { numRuns: 1000 },
  );
});

Deno.test("symbolic links that double the way at each step lead nowhere, and soon", () => {
  const lower: Shorthand = {};
  const upper: Shorthand = {};
  // The last leads to the root; each other one twice over the next: 2^20 links in all, no chain of them longer than 40.
  for (let i = 0; i < 20; i++) lower[`l${i}`] = { to: `l${i + 1}/l${i + 1}` };
  lower.l20 = { to: "/" };
  for (let i = 0; i < 100; i++) {
    lower[`a${i}`] = { to: "l1" };
    upper[`a${i}/x`] = `${i}`;
  }
  upper["l18/y"] = "y";
  const tree = shown(mergeLayers([lower, upper].map(layerOf)).root);
  assertEquals([tree.a99, tree["a99/x"], tree.l18, tree.y], ["dir 755", "99", "-> l19/l19", "y"]);
});

/** As an ingest leaves it: no whiteouts in opaque directories, and link counts counted. */
function stored(shorthand: Shorthand): Uint8Array {
  const isOpaque = (what: Shorthand[string] | undefined) =>
    typeof what === "object" && what !== null && "opaque" in what;
  const above = (path: string) => shorthand[path.slice(0, Math.max(path.lastIndexOf("/"), 0))];
  const layer = layerOf(Object.fromEntries(
    Object.entries(shorthand).filter(([path, what]) => what !== null || !isOpaque(above(path))),
  ));
  countLinks(layer);
  return writeErofs(layer, { format: "v1" });
}

/** Checks that layers make the same tree out of their images; returns whether that does without their trees. */
function sameOutOfImages(shorthands: readonly Shorthand[]): boolean {
  const images = shorthands.map(stored);
  try {
    const source = new MergedImages(images);
    const origins = new OriginColumn(source.inodes);
    const tree = new Numbering(source, false, (inode, place) => origins.set(place, inode));
    const pieces: Uint8Array[] = [];
    streamErofs(tree, (piece) => pieces.push(piece.slice()));
    const { root, fixup } = mergeLayers(images.map(readErofs));
    assertEquals(Buffer.compare(Buffer.concat(pieces), writeErofs(root, { format: "v1" })), 0);
    assertEquals(origins.encode(tree), encodeOrigins(root));
    assertEquals(countNumbered(tree), countTree(root));
    assertEquals(source.fixup && formatDump(source.fixup), fixup && formatDump(fixup));
    return true;
  } catch (error) {
    if (error instanceof NeedsTrees) return false;
    throw error;
  }
}

Deno.test("property: out of images, directory by directory, layers make the same tree", () => {
  let done = 0;
  fc.assert(
    fc.property(fc.array(anyLayer, { minLength: 1, maxLength: 4 }), (layers) => {
      if (sameOutOfImages(layers)) done++;
    }),
    { numRuns: 300 },
  );
  assert(done > 30, `${done} needed no trees`);
});
