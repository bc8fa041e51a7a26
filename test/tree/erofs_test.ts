// The writer, the reader and the cursor, against each other and against broken images.

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import {
  type ErofsFormat,
  erofsFormat,
  ErofsView,
  Inode,
  parseDump,
  readErofs,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  writeErofs,
} from "../../src/tree/mod.ts";
import { anyLeaf, anyTree, describeTree } from "./arbitrary.ts";

const formats: fc.Arbitrary<ErofsFormat> = fc.constantFrom("auto", "v0", "v1");

/** A tree from lines of a dump behind the root's. */
function tree(...lines: string[]): Inode {
  const text = ["/ 4096 40755 2 0 0 0 0.0 - - -", ...lines, ""].join("\n");
  return parseDump(Uint8Array.from(text, (c) => c.charCodeAt(0)));
}

Deno.test("property: what is read from an image, written again, is the same image", () => {
  fc.assert(
    fc.property(anyTree(), formats, (root, format) => {
      const image = writeErofs(root, { format });
      const again = writeErofs(readErofs(image), { format: erofsFormat(image) });
      assert(image.length === again.length && image.every((byte, i) => byte === again[i]));
    }),
    { numRuns: 300 },
  );
});

Deno.test("property: a tree without whiteouts is read from its image as it was written", () => {
  fc.assert(fc.property(anyTree(anyLeaf), formats, (root, format) => {
    const before = describeTree(root);
    const image = writeErofs(root, { format });
    assertEquals(describeTree(root), before, "writing changed the tree");
    assertEquals(describeTree(readErofs(image)), before);
  }));
});

Deno.test("whiteouts, opaque directories and marks are read as they were written in version 0", () => {
  const root = tree(
    "/d 0 40755 2 0 0 0 0.0 - - - trusted.overlay.opaque=y",
    "/d/w 0 20000 1 0 0 0 5.0 - - - user.a=b",
    "/d/00 0 20000 1 0 0 0 5.0 - - -",
    "/00 0 20000 1 0 0 0 5.0 - - -",
  );
  assertEquals(
    describeTree(readErofs(writeErofs(root, { format: "v0" }))),
    describeTree(root),
  );
  // In version 1, the mark of a directory with whiteouts stands where its own was.
  const v1 = readErofs(writeErofs(root));
  assertEquals(v1.children!.get("d")!.xattrs, null);
});

Deno.test("a file that only looks like a whiteout stays a file", () => {
  const marks = "trusted.overlay.whiteout= user.overlay.whiteout=";
  const root = tree(`/f 0 100644 1 0 0 0 0.0 - - - ${marks}`);
  const image = writeErofs(root);
  assertEquals(erofsFormat(image), "v0");
  assertEquals(describeTree(readErofs(image)), describeTree(root));
});

Deno.test("the format is the one asked for, or follows from whiteouts", () => {
  const plain = tree();
  const whiteout = tree("/w 0 20000 1 0 0 0 0.0 - - -");
  const format = (root: Inode, format: ErofsFormat) => erofsFormat(writeErofs(root, { format }));
  assertEquals(
    [format(plain, "auto"), format(plain, "v1"), format(whiteout, "auto"), format(whiteout, "v0")],
    ["v0", "v1", "v1", "v0"],
  );
});

/** What no image can hold, and what is said of it. */
const impossible: [string, (root: Inode) => void, string][] = [
  [
    "a name with a slash",
    (root) => root.children!.set("a/b", new Inode(0o100644)),
    "cannot write /a/b into an image: its name is not a possible file name",
  ],
  [
    "a name of more than a byte a character",
    (root) => root.children!.set("\u0100", new Inode(0o100644)),
    "cannot write /\u0100 into an image: its name is not a possible file name",
  ],
  [
    "a directory under two names",
    (root) => {
      const directory = new Inode(S_IFDIR);
      root.children!.set("a", directory).set("b", directory);
    },
    "cannot write /b into an image: the directory is also /a",
  ],
  [
    "a directory in itself",
    (root) => root.children!.set("a", root),
    "cannot write /a into an image: the directory is also /",
  ],
  [
    "a mode without type",
    (root) => root.children!.set("a", new Inode(0o644)),
    "cannot write /a into an image: its mode 644 has no file type",
  ],
  [
    "an owner of 33 bits",
    (root) => root.children!.set("a", Object.assign(new Inode(0o100644), { uid: 2 ** 32 })),
    "cannot write /a into an image: its link count, owner, group or device number is not a 32-bit number",
  ],
  [
    "nanoseconds beyond a second",
    (root) => root.children!.set("a", Object.assign(new Inode(0o100644), { nsec: 1e9 })),
    "cannot write /a into an image: its modification time is out of range",
  ],
  [
    "a symbolic link without target",
    (root) => root.children!.set("a", new Inode(0o120777)),
    "cannot write /a into an image: its target is not 1 to 4095 bytes long",
  ],
  [
    "a symbolic link with NUL in its target",
    (root) => root.children!.set("a", Object.assign(new Inode(0o120777), { target: "a\0b" })),
    "cannot write /a into an image: its target is not of bytes other than NUL",
  ],
  [
    "a payload of more than a byte a character",
    (root) =>
      root.children!.set("a", Object.assign(new Inode(0o100644), { size: 9, payload: "\u0100" })),
    "cannot write /a into an image: its payload is not up to 4095 bytes other than NUL",
  ],
  [
    "an xattr with NUL in its name",
    (root) => root.xattrs = new Map([["user.\0", new Uint8Array(0)]]),
    "cannot write / into an image: an xattr's name is not of bytes other than NUL",
  ],
  [
    "content of another size",
    (root) => {
      const content = new Uint8Array(3);
      root.children!.set("a", Object.assign(new Inode(0o100644), { size: 2, content }));
    },
    "cannot write /a into an image: its inline content has 3 bytes, not 2, or not at most 5000",
  ],
  [
    "a short digest",
    (root) => {
      const digest = new Uint8Array(31);
      root.children!.set("a", Object.assign(new Inode(0o100644), { size: 2, digest }));
    },
    "cannot write /a into an image: its digest is not 32 bytes long",
  ],
  [
    "too large xattrs",
    (root) => root.xattrs = new Map([["user.a", new Uint8Array(32767 - 12 - 7 - 6 + 1)]]),
    "cannot write / into an image: its xattrs are larger than 32767 bytes",
  ],
];

for (const [name, change, message] of impossible) {
  Deno.test(`a tree with ${name} is refused`, () => {
    const root = new Inode(0o040755);
    change(root);
    const error = assertThrows(() => writeErofs(root), LaminaError);
    assertEquals([error.kind, error.message], ["invalid", message]);
  });
}

Deno.test("a very deep tree is written and read", () => {
  const root = new Inode(0o040755);
  let directory = root;
  for (let i = 0; i < 20_000; i++) {
    const inside = new Inode(0o040755);
    directory.children!.set("d", inside);
    directory = inside;
  }
  directory.children!.set("f", new Inode(0o100644));
  const image = writeErofs(root);
  let depth = 0;
  for (let at: Inode | undefined = readErofs(image); at; at = at.children?.get("d")) depth++;
  assertEquals(depth, 20_001);
});

/** A tree as the cursor shows it, in the form of describeTree. */
function describeView(view: ErofsView): Map<string, unknown> {
  const all = new Map<string, unknown>();
  const first = new Map<number, string>();
  const text = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(0, bytes.indexOf(0)));
  const visit = (path: string, nid: number) => {
    const mode = view.mode(nid);
    const type = mode & S_IFMT;
    const known = first.get(nid);
    first.set(nid, known ?? path);
    const attributes: [string, Uint8Array][] = [];
    view.xattrs(nid, (key, value) => attributes.push([text(key), value.slice()]));
    assertEquals(view.hasXattrs(nid), attributes.length > 0);
    const object = type === S_IFREG ? view.object(nid) : null;
    const content = type === S_IFREG ? view.inline(nid) : null;
    all.set(
      path,
      known ?? {
        mode,
        uid: view.uid(nid),
        gid: view.gid(nid),
        rdev: view.rdev(nid),
        nlink: type === S_IFDIR ? 1 : view.nlink(nid),
        size: type === S_IFREG ? view.size(nid) : 0,
        mtime: view.mtime(nid),
        nsec: view.nsec(nid),
        target: type === S_IFLNK ? text(view.linkTarget(nid)) : "",
        content: content === null || content.length === 0 ? null : content.slice(),
        digest: type === S_IFREG ? view.digest(nid)?.slice() ?? null : null,
        payload: object === null ? "" : text(object),
        canonical: "",
        attributes: attributes.sort(),
      },
    );
    if (type !== S_IFDIR) return;
    const entries: [string, number][] = [];
    view.entries(nid, (child, type, name, length) => {
      assertEquals(type, view.mode(child) & S_IFMT);
      assertEquals(name[length], 0);
      entries.push([text(name), child]);
    });
    for (const [name, child] of entries) visit(`${path}/${name}`, child);
  };
  visit("", view.rootNid);
  return all;
}

Deno.test("property: the cursor shows what the reader reads", () => {
  const leaf = fc.oneof({ weight: 8, arbitrary: anyLeaf }, {
    weight: 1,
    arbitrary: fc.constant(() => new Inode(0o020000)),
  });
  fc.assert(fc.property(anyTree(leaf), formats, (root, format) => {
    // Where a tree has such marks of its own, the cursor may take them for composefs' ones.
    fc.pre(!hasMarks(root));
    const image = writeErofs(root, { format });
    assertEquals(describeView(new ErofsView(image)), describeTree(readErofs(image)));
  }));
});

function hasMarks(root: Inode): boolean {
  return [...describeTree(root).values()].some((entry) =>
    typeof entry === "object" &&
    (entry as { attributes: [string][] }).attributes.some(([key]) =>
      /^(trusted|user)\.overlay\.whiteout/.test(key)
    )
  );
}

Deno.test("an image that does not lie on a multiple of four bytes is read as well", () => {
  const image = writeErofs(tree("/a 3 100644 1 0 0 0 0.0 - abc -"));
  const moved = new Uint8Array(image.length + 1).subarray(1);
  moved.set(image);
  assertEquals(describeView(new ErofsView(moved)), describeView(new ErofsView(image)));
  assertEquals(describeTree(readErofs(moved)), describeTree(readErofs(image)));
});

/** Reads an image in all ways; what is wrong with it must be a LaminaError. */
function readAll(image: Uint8Array): void {
  for (const read of [() => readErofs(image), () => describeView(new ErofsView(image))]) {
    try {
      read();
    } catch (error) {
      if (!(error instanceof LaminaError) || error.kind !== "invalid") throw error;
    }
  }
}

Deno.test("property: an image with changed bytes is read or refused, never anything else", () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat(255), meta: fc.boolean() });
  fc.assert(
    fc.property(
      anyTree(undefined, 10),
      fc.array(change, { minLength: 1, maxLength: 6 }),
      (root, changes) => {
        const image = writeErofs(root);
        // Most of an image is stubs and padding: half of the changes go where the first inodes are or the rest begins.
        const used = image.findLastIndex((byte) => byte !== 0);
        for (const { at, byte, meta } of changes) {
          image[meta ? 1024 + at % 512 : at % 3 === 0 ? at % used : used - at % 4096] = byte;
        }
        readAll(image);
      },
    ),
    { numRuns: 500 },
  );
});

Deno.test("property: an image that is cut short is refused", () => {
  fc.assert(fc.property(anyTree(undefined, 5), fc.nat(), (root, at) => {
    const image = writeErofs(root);
    const cut = image.subarray(0, at % image.length);
    assertEquals(assertThrows(() => readErofs(cut), LaminaError).kind, "invalid");
    assertEquals(assertThrows(() => new ErofsView(cut), LaminaError).kind, "invalid");
  }));
});

/** The place of the entry of a name in a directory of one piece, or of the n-th such entry. */
function entryAt(image: Uint8Array, name: string): number {
  const view = new DataView(image.buffer);
  const wanted = new TextEncoder().encode(name);
  for (let at = 1152; at + 12 <= image.length; at += 4) {
    const count = view.getUint16(at + 8, true) / 12;
    if (!Number.isInteger(count) || count < 2 || count > 340) continue;
    if (view.getUint8(at + 10) !== 2 || view.getUint8(at + 12 + 10) !== 2) continue;
    for (let i = 0; i < count; i++) {
      const start = at + view.getUint16(at + 12 * i + 8, true);
      const bytes = image.subarray(start, start + wanted.length);
      const end = i + 1 < count ? at + view.getUint16(at + 12 * (i + 1) + 8, true) : 0;
      const ends = end === start + wanted.length || end === 0;
      if (ends && bytes.length === wanted.length && bytes.every((b, j) => b === wanted[j])) {
        return at + 12 * i;
      }
    }
  }
  throw new Error(`no entry ${name}`);
}

const DIRECTORIES = [
  "/dir-a 0 40755 1 0 0 0 0.0 - - -",
  "/dir-a/dir-c 0 40755 1 0 0 0 0.0 - - -",
  "/dir-b 0 40755 1 0 0 0 0.0 - - -",
  "/file-d 3 100644 1 0 0 0 0.0 - abc -",
  "/link-e 0 120777 1 0 0 0 0.0 target - -",
];

Deno.test("a stub with an unknown layout is refused, as the kernel would refuse it", () => {
  const image = writeErofs(tree());
  const view = new ErofsView(image);
  // Stubs follow the root.
  const stub = view.rootNid + 10;
  image[stub * 32] |= 12;
  assertThrows(() => readErofs(image), LaminaError, "layout");
});

/** Changes of an image that make it impossible, and part of what is said of it. */
const broken: [string, (image: Uint8Array, view: DataView) => void, string][] = [
  ["another magic number", (image) => image[0]++, "does not start as one"],
  ["version 2", (image) => image[12] = 2, "of version 2"],
  ["another block size", (image) => image[1024 + 12] = 9, "blocks of 4096 bytes"],
  ["inodes that count from elsewhere", (image) => image[1024 + 40] = 1, "count from its start"],
  ["unknown features", (image) => image[1024 + 80] = 1, "features that are not known"],
  ["another number of blocks", (image) => image[1024 + 36]++, "but should have"],
  ["more inodes than it has", (image) => image[1024 + 16]++, "it says that it has"],
  ["2^40 inodes", (image) => image[1024 + 16 + 5] = 1, "more inodes than it has room for"],
  ["a root that is nowhere", (_, view) => view.setUint16(1024 + 14, 60000, true), "no inode 60000"],
  [
    "a root that is no directory",
    (image) => image[1152 + 5] = 0x81,
    "its root is no directory",
  ],
  [
    "a directory in itself",
    (image, view) => {
      const self = view.getUint32(entryAt(image, "dir-c") - 24, true);
      view.setUint32(entryAt(image, "dir-c"), self, true);
    },
    "a subdirectory that is elsewhere in the tree",
  ],
  [
    "a directory that holds its parent",
    (_, view) => view.setUint32(entryAt(new Uint8Array(view.buffer), "dir-c"), 36, true),
    "a subdirectory that is elsewhere in the tree",
  ],
  [
    "a directory under two names",
    (image, view) => {
      const a = view.getUint32(entryAt(image, "dir-a"), true);
      view.setUint32(entryAt(image, "dir-b"), a, true);
    },
    "a subdirectory that is elsewhere in the tree",
  ],
  [
    "a directory with another parent",
    (image, view) => {
      const c = view.getUint32(entryAt(image, "dir-c"), true);
      view.setUint32(entryAt(image, "dir-b"), c, true);
    },
    "a subdirectory that is elsewhere in the tree",
  ],
  [
    "a wrong type of an entry",
    (image) => image[entryAt(image, "file-d") + 10] = 7,
    "an entry whose type is not that of its inode",
  ],
  [
    "a name with a slash",
    (image) => {
      const at = new TextDecoder("latin1").decode(image).indexOf("file-d");
      image[at + 2] = 0x2f;
    },
    "an impossible name",
  ],
  [
    "names out of order",
    (image) => {
      const at = new TextDecoder("latin1").decode(image).indexOf("file-d");
      image[at] = 0x21;
    },
    "names in the wrong order",
  ],
  [
    "an entry beyond its end",
    (image, view) => view.setUint32(entryAt(image, "file-d"), 0x7fffffff, true),
    "there is no inode 2147483647",
  ],
];

for (const [name, change, message] of broken) {
  Deno.test(`an image with ${name} is refused`, () => {
    const image = writeErofs(tree(...DIRECTORIES));
    assertEquals(describeView(new ErofsView(image)).size, 6);
    change(image, new DataView(image.buffer));
    const error = assertThrows(() => readErofs(image), LaminaError, message);
    assertEquals(error.kind, "invalid");
    if (name === "more inodes than it has") return;
    assertThrows(() => describeView(new ErofsView(image)), LaminaError, message);
  });
}

Deno.test("shared xattrs that overlap are refused before they fill the memory", () => {
  // Three for each of 1000 files, each at a word of its own, where it says that it has nearly 64 KiB: 200 MB in all.
  const FILES = 1000;
  const lines = Array.from(
    { length: FILES },
    (_, f) => `/f${f} 0 100644 1 0 0 0 0.0 - - - user.a=1 user.b=2 user.c=3`,
  );
  const written = writeErofs(tree(...lines));
  const image = new Uint8Array(written.length + 20 * 4096);
  image.set(written);
  const view = new DataView(image.buffer);
  view.setUint32(1024 + 36, image.length / 4096, true);
  const shared = view.getUint32(1024 + 44, true) * 4096;
  const nids: number[] = [];
  const before = new ErofsView(written);
  before.entries(before.rootNid, (nid) => nids.push(nid));
  let word = 0;
  for (const nid of nids) {
    const at = nid * 32;
    const references = at + ((image[at] & 1) === 0 ? 32 : 64) + 12;
    for (let i = 0; i < 3; i++, word++) {
      const place = written.length + 4 * word;
      view.setUint32(references + 4 * i, (place - shared) / 4, true);
      image.set([i + 1, 1, 0x01, 0xff], place);
    }
  }
  const error = assertThrows(() => readErofs(image), LaminaError);
  assertEquals(error.message, "the composefs image is malformed: inodes share data in it");
});

Deno.test("directories that share their blocks are refused before they fill the memory", () => {
  // 200 directories, whose names before `.` are in blocks: these can be made the same ones for all.
  const lines: string[] = [];
  for (let d = 100; d < 300; d++) {
    lines.push(`/d${d} 0 40755 1 0 0 0 0.0 - - -`);
    for (let f = 0; f < (d === 100 ? 3000 : 1); f++) {
      lines.push(`/d${d}/!${String(f).padStart(100, "0")} 0 @100644 1 0 0 0 0.0 /f - -`);
    }
  }
  const image = writeErofs(tree(...lines, "/f 0 100644 1 0 0 0 0.0 - - -"));
  const view = new DataView(image.buffer);
  const nid = (d: number) => view.getUint32(entryAt(image, `d${d}`), true);
  const big = nid(100) * 32;
  const blocks = view.getUint32(big + 16, true);
  const size = Math.floor(view.getUint32(big + 8, true) / 4096) * 4096;
  for (let d = 101; d < 300; d++) {
    const at = nid(d) * 32;
    view.setUint32(at + 16, blocks, true);
    view.setUint32(at + 8, size + view.getUint32(at + 8, true), true);
  }
  assertThrows(() => readErofs(image), LaminaError);
});
