// What df says against what the filesystem says.

import { assert, assertEquals } from "@std/assert";
import { collect } from "../../src/store/gc/collect.ts";
import { Store } from "../../src/store/mod.ts";
import { Extents } from "../../src/store/usage/extents.ts";
import { measureUsage } from "../../src/store/usage/usage.ts";
import { allocated, walk } from "../../src/store/walk.ts";
import { S_IFDIR, S_IFMT } from "../../src/tree/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { directory, file, hardlink, makeTar, sparse, type TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { usedBytes } from "../support/used.ts";
import { pullShared } from "../support/threads.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

Deno.test("extents: each byte of a device once", () => {
  const extents = new Extents();
  for (const [start, length] of [[100, 50], [0, 10], [120, 10], [140, 20], [5, 5], [1e15, 4096]]) {
    extents.add(start, length);
  }
  assertEquals(extents.bytes, 10 + 60 + 4096);
  const many = new Extents();
  for (let i = 0; i < 5000; i++) many.add((i % 2500) * 8192, 4096);
  assertEquals(many.bytes, 2500 * 4096);
});

/** Bytes that no filesystem makes smaller. */
function random(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65536)));
  }
  return bytes;
}

const contents = [
  ...Array.from({ length: 1000 }, (_, i) => random(20 + (i * 37) % 6000)),
  ...Array.from({ length: 100 }, (_, i) => random((20 + i) * KIB)),
  random(20 * MIB),
  random(10 * MIB),
];

function tree(mtime: number, which: (index: number) => boolean): Uint8Array {
  const pieces: TarPiece[] = [];
  for (let i = 0; i < 40; i++) pieces.push(directory(`d${i}`));
  contents.forEach((bytes, i) => {
    if (which(i)) pieces.push(file(`d${i % 40}/file-${i}`, bytes, { mtime }));
  });
  pieces.push(hardlink("d0/again", "d0/file-0"));
  pieces.push(sparse("sparse", 500 * MIB, [{ offset: 200 * MIB, bytes: random(3 * MIB) }]));
  return makeTar(pieces);
}

/** What a store takes beside the content of its layers. */
function recordBytes({ root, layout, layers }: Store): number {
  const others = ["images", "trees"].map((name) => `${root}/${name}`);
  const paths = [
    ...others,
    ...layers.list().flatMap((diffId) =>
      ["index.erofs", "links"].map((name) => `${layout.layer(diffId)}/${name}`)
    ),
  ];
  let bytes = 0;
  for (const path of paths) {
    walk(path, (_dir, _name, stat) => {
      // Objects are content.
      if (stat.nlink === 1 || (stat.mode & S_IFMT) === S_IFDIR) bytes += allocated(stat);
    });
  }
  return bytes;
}

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(`df on ${kind} agrees with the filesystem within 2 %`, notRoot(), available(kind)),
    async fn() {
      using temp = new TempDir();
      await using fs = await LoopFs.make(kind, 500);
      const base = tree(1, () => true);
      await writeOciLayout(temp.path, [
        { name: "one", layers: [base], compression: "none" },
        // The same content again at other times, all but the largest.
        {
          name: "two",
          layers: [base, tree(2, (i) => i % 3 === 0 && i < 1100)],
          compression: "none",
        },
        { name: "three", layers: [tree(3, (i) => i !== 1101)], compression: "none" },
      ]);
      const before = usedBytes(fs.path);
      const store = Store.open(`${fs.path}/store`, { create: true });
      for (const name of ["one", "two", "three"]) {
        await pullShared(store, `oci:${temp.path}:${name}`);
      }
      const grown = usedBytes(fs.path) - before;
      const usage = await measureUsage(store);
      const { stored, logical, savedByLayers, savedByContent, method } = usage;
      const error = (stored - grown) / grown;
      assert(Math.abs(error) < 0.02, `${stored} said, ${grown} taken: ${error}; ${method}`);

      // All else is what it is said to be: indexes, trees, records.
      const { records, metadata, kept, compositions } = usage;
      const expected = recordBytes(store);
      assert(Math.abs(records - expected) < grown * 0.03, `${records} records, not ${expected}`);
      assertEquals(
        logical - savedByLayers - savedByContent + records + metadata + kept + compositions,
        stored,
      );
      assertEquals([kept, compositions].map((bytes) => bytes < 0.1 * MIB), [true, true]);
      assert(savedByLayers > 35 * MIB, `${savedByLayers} by layers`);
      assert(savedByContent > 25 * MIB, `${savedByContent} by content`);
      const [three, two, one] = usage.images;
      assert(three.unique > 3 * MIB && three.unique < 6 * MIB, `three: ${three.unique}`);
      assert(two.unique > 3 * MIB && two.unique < 6 * MIB, `two: ${two.unique}`);
      assert(one.unique < MIB, `one: ${one.unique}`);
      for (const image of [one, three]) {
        assert(image.flattened > 30 * MIB, `${image.flattened}`);
        assert(image.shared > 20 * MIB, `${image.shared}`);
      }

      const { now, all } = usage.reclaimable;
      assertEquals(now, 0);
      const { bytes } = await collect(store, { all: true });
      assertEquals(bytes, all);
      const freed = before + grown - usedBytes(fs.path);
      assert(Math.abs(freed - all) < grown * 0.05, `${freed} freed, ${all} said`);
    },
  });
}
