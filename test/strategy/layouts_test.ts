import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { type ImageRecord, SHARED_BY, type TreeLayout } from "../../src/store/mod.ts";
import { compose, type ComposeOptions } from "../../src/strategy/compose.ts";
import { IMAGES } from "../../src/strategy/conformance/images/mod.ts";
import { mounts } from "../../src/strategy/mounts.ts";
import { release } from "../../src/strategy/release.ts";
import { writeSample } from "../../src/strategy/sample.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, hardlink, opaque, symlink, whiteout } from "../support/tar.ts";
import type { TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, bytesOf, NOTHING } from "./bed.ts";

const reason = notRoot() ?? cannotMount("erofs") ?? cannotMount("overlay");
const SPLIT: readonly TreeLayout[] = ["layered", "hybrid"];

/** Composes, hands the target and the number of metadata images to `look`, releases. */
async function composed(
  bed: Bed,
  image: ImageRecord,
  options: Partial<ComposeOptions>,
  look: (target: string, images: number) => void,
): Promise<void> {
  const plugins = await builtInPlugins();
  const made = await compose(bed.store, image, bed.target(), {
    plugins,
    access: "ro",
    sharedBy: 2,
    ...options,
  });
  try {
    assertEquals(made.strategy, "composefs");
    look(made.target, Number(made.notes.images));
  } finally {
    await release(bed.store, made.id, { plugins });
  }
  assertEquals(bed.leftovers(), NOTHING);
}

/** Of the suite's images those that say something about metadata, and do not take long. */
const SMALL = IMAGES.filter(({ id }) => id !== "layers");

/** Images with more above them than the cases have: what only a stack of metadata images can get wrong. */
const FURTHER: readonly { readonly id: string; readonly layers: () => TarPiece[][] }[] = [
  {
    id: "names of object directories and stubs come and go",
    layers: () => [
      [directory("00"), file("00/low", bytesOf(500, 1)), file("ff", "x"), directory("3c")],
      [whiteout("00"), directory("ab"), file("ab/high", bytesOf(600, 2)), file("cd", "file")],
      [file("00", "a file now"), whiteout("ab"), directory("ff"), file("ff/deep", "y")],
      [directory("ab"), file("ab/again", bytesOf(500, 1)), whiteout("3c")],
    ],
  },
  {
    id: "a directory that is gone comes back, twice",
    layers: () => [
      [directory("d", { mode: 0o700 }), file("d/one", "1"), directory("d/e"), file("d/e/low", "l")],
      [whiteout("d")],
      [directory("d"), directory("d/e"), file("d/e/two", "2")],
      [opaque("d"), file("d/e", "a file")],
      [whiteout("d/e"), directory("d/e", { mode: 0o711 }), file("d/e/three", "3")],
    ],
  },
  {
    id: "hard links whose names change from layer to layer",
    layers: () => [
      [file("a", bytesOf(900, 3)), hardlink("b", "a"), hardlink("c", "a"), file("d", "small")],
      [file("b", "no link any more")],
      [hardlink("sub/e", "a"), hardlink("d-too", "d")],
      [whiteout("c"), whiteout("d")],
      [whiteout("sub/e"), hardlink("f", "a")],
      [file("unrelated", "u")],
    ],
  },
  {
    id: "a layer with nothing in it, and one that changes metadata only",
    layers: () => [
      [directory("d", { mtime: 5 }), file("d/f", "f")],
      [],
      [directory("./", { mode: 0o711 }), directory("d", { mode: 0o500, mtime: 6, uid: 4 })],
      [file("d/f", "f", { mode: 0o4755, xattrs: { "user.x": "y" } })],
    ],
  },
];

Deno.test({
  ...needs("layouts: every layout shows the tree, entry by entry", reason),
  async fn(t) {
    using dir = new TempDir();
    const bed = new Bed(dir.path);
    for (const [index, { id: name, layers }] of [...SMALL, ...FURTHER].entries()) {
      const below = await bed.image(`below-${index}`, layers());
      // With one layer more, so that all below it is shared by two images.
      const top = [directory("top"), file("top/00", bytesOf(700, index)), file("7e", "root")];
      const image = await bed.image(`image-${index}`, [...layers(), top]);
      const expected = bed.expected(image);
      for (const layout of ["squashed", ...SPLIT] as const) {
        await t.step(`${name}: ${layout}`, async () => {
          const most = { squashed: 1, hybrid: 2, layered: image.layers.length }[layout];
          await composed(bed, image, { layout, strategy: "composefs" }, (target, images) => {
            assertEquals(images, most);
            assertEquals(diffSnapshots(expected, snapshot(target)), []);
          });
        });
      }
      await t.step(`${name}: layered, without the top`, async () => {
        await composed(bed, below, { layout: "layered" }, (target) => {
          assertEquals(diffSnapshots(bed.expected(below), snapshot(target)), []);
        });
      });
    }
  },
});

const anyName = fc.constantFrom("a", "b", "c", "00", "ab");
const anyPath = fc.array(anyName, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));

/** One entry of a layer; hard links lead to one of the files before it in the image. */
const anyStep = fc.record({
  path: anyPath,
  what: fc.constantFrom("file", "file", "directory", "whiteout", "opaque", "symlink", "link"),
  seed: fc.nat(5),
});

/** Layers that an archive can hold: no path twice, and nothing below what is no directory. */
function layersOf(steps: readonly (readonly { path: string; what: string; seed: number }[])[]) {
  const files: string[] = [];
  return steps.map((layer) => {
    const kinds = new Map<string, string>();
    const pieces: TarPiece[] = [];
    for (const { path, what, seed } of layer) {
      const parents = [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
      if (kinds.has(path) || parents.some((parent) => kinds.get(parent) === "leaf")) continue;
      const isDirectory = what === "directory" || what === "opaque";
      if (what === "link" && files.length === 0) continue;
      for (const parent of parents) kinds.set(parent, "directory");
      kinds.set(path, isDirectory ? "directory" : "leaf");
      if (what === "directory") pieces.push(directory(path, { mode: 0o700 + seed }));
      else if (what === "opaque") pieces.push(opaque(path));
      else if (what === "whiteout") pieces.push(whiteout(path));
      else if (what === "symlink") pieces.push(symlink(path, `/${"abc"[seed % 3]}`));
      else if (what === "link") pieces.push(hardlink(path, files[seed % files.length]));
      else {
        pieces.push(file(path, bytesOf(seed * 60, seed)));
        files.push(path);
      }
    }
    return pieces;
  });
}

Deno.test({
  ...needs("layouts: property: random layers are shown alike by all layouts", reason),
  async fn() {
    using dir = new TempDir();
    const bed = new Bed(dir.path);
    let compared = 0;
    const anySteps = fc.array(fc.array(anyStep, { minLength: 1, maxLength: 10 }), {
      minLength: 2,
      maxLength: 5,
    });
    const alike = fc.asyncProperty(anySteps, fc.nat(), async (steps, cut) => {
      const layers = layersOf(steps);
      let image: ImageRecord;
      try {
        // A hard link to what is gone by then is not what this is about.
        await bed.image("part", layers.slice(0, 1 + cut % (layers.length - 1)));
        image = await bed.image("whole", layers);
      } catch (error) {
        if (error instanceof LaminaError) return;
        throw error;
      }
      compared++;
      const expected = bed.expected(image);
      for (const layout of SPLIT) {
        await composed(bed, image, { layout }, (target) => {
          assertEquals(diffSnapshots(expected, snapshot(target)), []);
        });
      }
    });
    await fc.assert(alike, { numRuns: 25 });
    assert(compared >= 8, `only ${compared} images could be made`);
  },
});

/** A base and two images on it. */
async function family(bed: Bed): Promise<ImageRecord[]> {
  const base = [
    [directory("bin"), file("bin/sh", bytesOf(4000, 1), { mode: 0o755 })],
    [directory("etc"), file("etc/motd", bytesOf(300, 2)), file("gone", "g")],
  ];
  return [
    await bed.image("one", [...base, [file("one", bytesOf(200, 3)), whiteout("gone")]]),
    await bed.image("two", [...base, [file("two", bytesOf(200, 4))]]),
  ];
}

Deno.test({
  ...needs("layouts: images share what they have in common, and what is there stays", notRoot()),
  async fn() {
    using dir = new TempDir();
    const bed = new Bed(dir.path);
    const [one, two] = await family(bed);
    const { chains } = bed.store;
    const digests = (
      image: ImageRecord,
      layout: TreeLayout,
      options: { sharedBy?: number; most?: number } = { sharedBy: 2 },
    ) => chains.stack(image, layout, options).map(({ digest }) => digest);
    for (const [layout, shared] of [["layered", 2], ["hybrid", 1]] as const) {
      const [a, b] = [digests(one, layout), digests(two, layout)];
      assertEquals(a.length, shared + 1);
      assertEquals(a.slice(0, shared), b.slice(0, shared));
      assertNotEquals(a[shared], b[shared]);
      const path = chains.stack(one, layout, { sharedBy: 2 })[shared].path;
      const before = Deno.statSync(path).ino;
      assertEquals(digests(one, layout), a);
      assertEquals(Deno.statSync(path).ino, before, "it was written again");
      // What is missing is made again, the same.
      Deno.removeSync(path);
      assertEquals(digests(one, layout), a);
      assert(Deno.statSync(path).isFile);
    }
    assertEquals(SHARED_BY, 3);
    assertEquals(digests(one, "hybrid", {}), [one.tree.digest]);
    assertEquals(digests(one, "squashed"), [one.tree.digest]);
    assertEquals(digests(one, "layered", { most: 2 }).length, 2);
    // An image of all lower layers is that of the image that has no more.
    const lower = await bed.image("lower", [
      [directory("bin"), file("bin/sh", bytesOf(4000, 1), { mode: 0o755 })],
      [directory("etc"), file("etc/motd", bytesOf(300, 2)), file("gone", "g")],
    ]);
    assertEquals(digests(one, "hybrid", {})[0], lower.tree.digest);
  },
});

Deno.test({
  ...needs("layouts: a layered composition can be written to", reason),
  async fn() {
    using dir = new TempDir();
    const bed = new Bed(dir.path);
    const [one] = await family(bed);
    await composed(bed, one, { layout: "layered", access: "rw", strategy: "auto" }, (target) => {
      Deno.writeFileSync(`${target}/one`, new Uint8Array([1]), { append: true });
      assertEquals(Deno.readFileSync(`${target}/one`), new Uint8Array([...bytesOf(200, 3), 1]));
      Deno.renameSync(`${target}/bin`, `${target}/sbin`);
      assertEquals(Deno.readFileSync(`${target}/sbin/sh`), bytesOf(4000, 1));
      Deno.removeSync(`${target}/etc`, { recursive: true });
      Deno.writeTextFileSync(`${target}/gone`, "back");
      const names = Array.from(Deno.readDirSync(target), ({ name }) => name).sort();
      assertEquals(names, ["gone", "one", "sbin"]);
    });
  },
});

Deno.test({
  ...needs("layouts: what does not go together is said", reason),
  async fn(t) {
    using dir = new TempDir();
    const bed = new Bed(dir.path);
    const plugins = await builtInPlugins();
    const [one] = await family(bed);
    const refused: { options: Partial<ComposeOptions>; kind: string; says: RegExp }[] = [
      { options: { strategy: "copy" }, kind: "usage", says: /copy: it knows no --layout/ },
      { options: { strategy: "overlay" }, kind: "usage", says: /overlay: it knows no --layout/ },
      { options: { digest: one.tree.digest }, kind: "usage", says: /digest is that of the squash/ },
    ];
    for (const { options, kind, says } of refused) {
      await t.step(`${says}`, async () => {
        const target = bed.target();
        const error = await assertRejects(
          () => compose(bed.store, one, target, { plugins, layout: "layered", ...options }),
          LaminaError,
        );
        assertEquals(error.kind, kind);
        assert(says.test(error.message), error.message);
        assertEquals(bed.leftovers(), NOTHING);
      });
    }
  },
});

Deno.test({
  ...needs("layouts: the kernel takes as many metadata images as one overlay may have", reason),
  fn() {
    using dir = new TempDir();
    const sample = writeSample(dir.path);
    using stack = new DisposableStack();
    const images = Array.from(
      { length: mounts.maxLower - 1 },
      () => stack.use(mounts.erofs(sample.image)),
    );
    const options = { metacopy: "on", redirect_dir: "on" };
    const spec = { lower: images.map(({ fd }) => fd), data: [sample.objects], options };
    using mount = mounts.overlay({ ...spec, readOnly: true });
    assertEquals(Deno.readFileSync(`${mount.path}/${sample.file}`), sample.content);
  },
});
