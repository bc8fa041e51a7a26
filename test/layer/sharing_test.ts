/**
 * Content that is there already is shared, on every filesystem in its way, and counted.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Fd, fstatfs, O_DIRECTORY, O_RDONLY } from "../../src/linux/mod.ts";
import { fsVerityDigest, type Inode, objectPath } from "../../src/tree/mod.ts";
import { available, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { directory, file, hardlink, sparseFile, type TarPiece } from "../support/tar.ts";
import { sharedThreads } from "../support/threads.ts";
import { assertDiskMatches, contentOf, type Ingested, Workshop } from "./support.ts";

function random(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(size, at + 65536)));
  }
  return bytes;
}

/** Bytes in use on a filesystem. */
function used(path: string): number {
  new Deno.Command("sync", { args: ["-f", path] }).outputSync();
  using fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
  const { blocks, free, blockSize } = fstatfs(fd.n);
  return (blocks - free) * blockSize;
}

function files(root: Inode): Inode[] {
  return [...root.children!.values()].flatMap((inode) =>
    inode.children === null ? inode : files(inode)
  );
}

/** Every object has the name of its content, and every file's content is an object. */
function assertObjects(workshop: Workshop, layers: readonly Ingested[]): void {
  for (const name of workshop.objectNames()) {
    const content = Deno.readFileSync(`${workshop.objects}/${name}`);
    assertEquals(objectPath(fsVerityDigest(content)), name);
  }
  const names = new Set(workshop.objectNames());
  for (const { root } of layers) {
    for (const { payload } of files(root)) assert(payload === "" || names.has(payload));
  }
}

/** An object's link count is 1 and one for each name that layers have of its inode; those without a use have 1. */
function assertCounts(workshop: Workshop, layers: readonly Ingested[]): void {
  const uses = new Map<number, number>();
  const count = (directory: string) => {
    for (const entry of Deno.readDirSync(directory)) {
      const path = `${directory}/${entry.name}`;
      const { ino } = Deno.lstatSync(path);
      if (entry.isDirectory) count(path);
      else uses.set(ino!, (uses.get(ino!) ?? 0) + 1);
    }
  };
  for (const { fs, links } of layers) {
    count(fs);
    if (existsDirectory(links)) count(links);
  }
  const needed = new Set(layers.flatMap(({ root }) => files(root).map(({ payload }) => payload)));
  for (const name of workshop.objectNames()) {
    const { ino, nlink } = Deno.lstatSync(`${workshop.objects}/${name}`);
    assertEquals(nlink, 1 + (uses.get(ino!) ?? 0), name);
    assertEquals(nlink! > 1, needed.has(name), `${name} is needed: ${needed.has(name)}`);
  }
}

function existsDirectory(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch {
    return false;
  }
}

const MB = 1024 * 1024;
const big = random(10 * MB);
const middle = Array.from({ length: 150 }, () => random(20_000));

/** About 13 MB of content, with times of its own. */
function content(mtime: number): TarPiece[] {
  return [
    directory("d", { mtime }),
    file("d/big", big, { mtime, mode: 0o6755, uid: 5, xattrs: { "user.x": "1" } }),
    file("d/caps", middle[0], {
      mtime,
      xattrs: {
        "security.capability": Uint8Array.of(1, 0, 0, 2, 0, 32, ...new Array(14).fill(0)),
      },
    }),
    ...middle.map((bytes, i) => file(`d/m${i}`, bytes, { mtime: mtime + i, mode: 0o444 })),
    hardlink("d/link", "d/m1"),
    file("d/small", "s".repeat(64), { mtime }),
  ];
}

for (const kind of ["xfs", "btrfs", "ext4"] as LoopKind[]) {
  const clones = kind !== "ext4";
  Deno.test({
    ...needs(`layer: content shared on ${kind}`, notRoot(), available(kind)),
    async fn() {
      await using fs = await LoopFs.make(kind, 512);
      await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
      const first = await workshop.ingest(content(1_000_000_000));
      assertDiskMatches(first);
      assertEquals(first.result.fileBytes, 10 * MB + 151 * 20_000 + 64);
      // One content stands twice in the layer.
      assertEquals(first.result.sharedBytes, 20_000);
      const objects = workshop.objectNames();
      assertEquals(objects.length, 151);
      const before = used(fs.path);

      // The same contents with other metadata: a layer that was built again.
      const second = await workshop.ingest(content(1_600_000_000));
      assertDiskMatches(second);
      assertDiskMatches(first);
      assertEquals(workshop.objectNames(), objects);
      const { fileBytes, sharedBytes } = second.result;
      assertEquals(sharedBytes, fileBytes - 64);
      // Files that overlayfs completes are the way of a filesystem that cannot clone.
      assertEquals(second.result.metacopies, clones ? 0 : 152);
      assertObjects(workshop, [first, second]);
      const grown = used(fs.path) - before;
      assert(grown < 0.05 * fileBytes, `grew by ${grown} of ${fileBytes} bytes`);
      assertCounts(workshop, [first, second]);

      // What is written to one of them does not show in the other.
      Deno.writeFileSync(`${second.fs}/d/big`, Uint8Array.of(1, 2, 3));
      assertDiskMatches(first);

      // Without the layer that brought the objects they are there as long as the other one is.
      Deno.removeSync(`${first.fs}/..`, { recursive: true });
      assertCounts(workshop, [second]);
      assertObjects(workshop, [second]);
      Deno.removeSync(`${second.fs}/..`, { recursive: true });
      assertCounts(workshop, []);
    },
  });
}

Deno.test({
  ...needs(
    "layer: an object that was cut or lengthened is not shared",
    notRoot(),
    available("xfs"),
  ),
  async fn() {
    await using fs = await LoopFs.make("xfs", 300);
    await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
    const bytes = random(10_000);
    const { root } = await workshop.ingest([file("a", bytes)]);
    Deno.truncateSync(`${workshop.objects}/${root.children!.get("a")!.payload}`, 5000);
    const { result, fs: second } = await workshop.ingest([file("a", bytes, { mtime: 5 })]);
    assertEquals(result.sharedBytes, 0);
    assertEquals(Deno.readFileSync(`${second}/a`), bytes);
  },
});

Deno.test({
  ...needs("layer: sparse and streamed files are shared too", notRoot(), available("xfs")),
  async fn() {
    await using fs = await LoopFs.make("xfs", 300);
    await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
    const bytes = random(3 * MB);
    const pieces = [
      ...sparseFile("1.0", "sparse", 40 * MB, [
        { offset: 4096, bytes },
        { offset: 30 * MB, bytes },
      ]),
      file("streamed", bytes),
    ];
    const first = await workshop.ingest(pieces);
    const before = used(fs.path);
    const second = await workshop.ingest([...pieces, file("more", "x".repeat(9000))]);
    assertEquals(second.result.sharedBytes, 43 * MB);
    assert(used(fs.path) - before < MB);
    assertDiskMatches(first);
    assertDiskMatches(second);
    assertEquals(contentOf(second.root.children!.get("streamed")!, second.objects), bytes);
  },
});

Deno.test({
  ...needs(
    "layer: layers of the same content at once make one object of each",
    notRoot(),
    available("xfs"),
  ),
  async fn() {
    await using fs = await LoopFs.make("xfs", 512);
    await using workshop = new Workshop({ where: fs.path, parallel: 4 });
    const shared = Array.from({ length: 500 }, () => random(5000));
    const layers = await Promise.all(
      Array.from({ length: 4 }, (_, n) =>
        workshop.ingest([
          ...shared.map((bytes, i) => file(`f${i}`, bytes)),
          file("own", `layer ${n} `.repeat(99)),
        ])),
    );
    assertEquals(workshop.objectNames().length, 504);
    assertObjects(workshop, layers);
    for (const layer of layers) assertDiskMatches(layer);
    const sum = layers.reduce((bytes, { result }) => bytes + result.sharedBytes, 0);
    // All but the first of each content are shared, whoever was first.
    assertEquals(sum, 3 * 500 * 5000);
  },
});

Deno.test({
  ...needs("layer: a file with as many links as the filesystem has", notRoot(), available("ext4")),
  async fn() {
    await using fs = await LoopFs.make("ext4", 64);
    await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
    // ext4 has 65,000 links for an inode: none is left for the object.
    const bytes = random(1000);
    const layer = await workshop.ingest([
      file("f", bytes),
      ...Array.from({ length: 64_999 }, (_, i) => hardlink(`l${i}`, "f")),
    ]);
    assertEquals(layer.root.children!.get("f")!.nlink, 65_000);
    assertEquals(Deno.statSync(`${layer.fs}/f`).nlink, 65_000);
    assertEquals(workshop.objectNames().length, 1);
    assertObjects(workshop, [layer]);
    assertCounts(workshop, [layer]);
    await workshop.refuse(
      [file("f", bytes), ...Array.from({ length: 65_000 }, (_, i) => hardlink(`l${i}`, "f"))],
      ["entry l64999", "EMLINK"],
    );
  },
});

Deno.test({
  ...needs(
    "layer: an object that can have no more links is renewed, and the full one counts on",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 64);
    await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
    const bytes = random(1000);
    const first = await workshop.ingest([file("f", bytes)]);
    const [name] = workshop.objectNames();
    const others = `${workshop.path}/others`;
    Deno.mkdirSync(others);
    for (let i = 2; i < 65_000; i++) Deno.linkSync(`${workshop.objects}/${name}`, `${others}/${i}`);
    const second = await workshop.ingest([file("g", bytes, { mtime: 9 })]);
    assertEquals(second.result.metacopies, 1);
    assertEquals(workshop.objectNames(), [name, `${name}.1`]);
    assertDiskMatches(first);
    assertDiskMatches(second);
    const links = (path: string) => Deno.lstatSync(`${workshop.objects}/${path}`).nlink;
    // The new one by its name and the second layer's link; the old one by all others and its new name.
    assertEquals([links(name), links(`${name}.1`)], [2, 65_000]);
  },
});

Deno.test({
  ...needs(
    "layer: a small file with attributes of its own is written where marks would take a block",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 64);
    await using workshop = new Workshop({ where: fs.path, pipeline: sharedThreads(true) });
    const [small, large] = [random(1000), random(9000)];
    const xattrs = { "user.x": "1" };
    await workshop.ingest([file("a", small), file("b", large)]);
    const layer = await workshop.ingest([
      file("a", small, { xattrs }),
      file("b", large, { xattrs }),
    ]);
    assertEquals([layer.result.metacopies, layer.result.sharedBytes], [1, 9000]);
    assertEquals(Deno.readFileSync(`${layer.fs}/a`), small);
    assertDiskMatches(layer);
    assertEquals([...Deno.readDirSync(layer.links)].length, 2);
  },
});
