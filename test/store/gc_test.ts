// What the collector keeps, what goes, and what that frees.

import { assert, assertEquals, assertRejects } from "@std/assert";
import { basename } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { collect } from "../../src/store/gc/collect.ts";
import { COUNTED } from "../../src/store/format.ts";
import { type CompositionRecord, Store } from "../../src/store/mod.ts";
import { Disk } from "../../src/store/usage/disk.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { file, type TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { usedBytes } from "../support/used.ts";
import { Bed } from "../strategy/bed.ts";
import { checkWhole, objectsOf } from "./whole.ts";

/** A content of its own for each letter. */
function content(letter: string, bytes = 5000): Uint8Array {
  return new TextEncoder().encode(`${letter}-`.repeat(bytes / 2));
}

const BASE: TarPiece[] = [file("base", content("b")), file("common", content("c"))];
const ONE: TarPiece[] = [file("one", content("o")), file("common2", content("c"))];
const TWO: TarPiece[] = [file("two", content("t")), file("one-too", content("o"))];

function composition(store: Store, image: string): CompositionRecord {
  const record: CompositionRecord = {
    id: "0123456789ab",
    state: "ready",
    image,
    imageName: "x",
    tree: store.images.get(image)!.tree.digest,
    strategy: "copy",
    target: "/nowhere",
    madeTarget: true,
    result: "directory",
    access: "rw",
    isolation: "full",
    writable: [],
    created: new Date().toISOString(),
    bootId: "",
    pid: 1,
  };
  store.compositions.put(record);
  return record;
}

function lease(store: Store, id: string, image: string, expires: string | null): void {
  const created = "2026-01-01T00:00:00Z";
  store.leases.add({ id, image, imageName: "x", owner: "", created, expires });
}

Deno.test({
  ...needs("gc: what keeps an image, and what goes with one", notRoot()),
  async fn(t) {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const one = await bed.image("one", [BASE, ONE]);
    const two = await bed.image("two", [BASE, TWO]);
    const images = () => store.images.digests().sort();
    const both = [one.digest, two.digest].sort();
    const gone = async (options = {}) =>
      (await collect(store, options)).images.map(({ digest }) => digest);

    await t.step("names", async () => {
      assertEquals(await gone(), []);
      assertEquals(images(), both);
    });
    await t.step("a composition", async () => {
      store.names.remove("one");
      const { id } = composition(store, one.digest);
      assertEquals(await gone(), []);
      assertEquals(await gone({ all: true, dryRun: true }), [two.digest]);
      store.compositions.remove(id);
    });
    await t.step("a lease, until it expires", async () => {
      lease(store, "l", one.digest, null);
      assertEquals(await gone(), []);
      store.leases.renew("l", new Date(Date.now() - 1000));
      const { images: found, leases } = await collect(store, { dryRun: true });
      assertEquals([found.map(({ digest }) => digest), leases], [[one.digest], ["l"]]);
      assertEquals(store.leases.list().length, 1);
    });
    await t.step("its last use", async () => {
      assertEquals(await gone({ olderThan: 3600_000 }), []);
      assertEquals(await gone({ olderThan: 3600_000, all: true }), []);
    });
    await t.step("a size that the store has", async () => {
      assertEquals(await gone({ keepStorage: 1e9, dryRun: true }), [one.digest]);
      assertEquals(await gone({ keepStorage: 1, dryRun: true }), [one.digest, two.digest]);
      // What nobody needs brings it far enough down for the other to stay.
      const limit = Disk.bytesOf(store.layout) - 4096;
      assertEquals(await gone({ keepStorage: limit, dryRun: true }), [one.digest]);
    });
    await t.step("then it goes, with what only it had", async () => {
      const before = [...snapshot(store)];
      const expected = await collect(store, { dryRun: true });
      assertEquals([...snapshot(store)], before);
      const done = await collect(store);
      assertEquals({ ...done, dryRun: true }, expected);
      assertEquals(done.layers.map(({ diffId }) => diffId), [one.layers[1].diffId]);
      assertEquals(done.objects, 0);
      assertEquals(images(), [two.digest]);
      assertEquals(store.leases.list(), []);
      assertEquals(store.layers.list().sort(), two.layers.map(({ diffId }) => diffId).sort());
      checkWhole(store);
    });
    await t.step("what is left after a removal", async () => {
      store.names.remove("two");
      store.images.remove(two.digest);
      const done = await collect(store);
      assertEquals([done.images.length, done.layers.length, done.objects], [0, 2, 4]);
      assertEquals([objectsOf(store), store.layers.list()], [[], []]);
      assertEquals([...Deno.readDirSync(store.layout.trees)], []);
      checkWhole(store);
    });
  },
});

/** All paths in a store. */
function* snapshot(store: Store, path = store.root): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    yield `${path}/${name}`;
    if (isDirectory) yield* snapshot(store, `${path}/${name}`);
  }
}

Deno.test({
  ...needs("gc: trees of chains, what strategies keep of trees, leftovers", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const one = await bed.image("one", [BASE, ONE]);
    const two = await bed.image("two", [BASE, TWO]);
    const stacks = [one, two].map((image) => store.chains.stack(image, "layered"));
    const trees = () => [...Deno.readDirSync(store.layout.trees)].length;
    // Two squashed ones, three of chains, and the directory of their records.
    assertEquals(trees(), 6);
    for (const { tree } of [one, two]) {
      Deno.mkdirSync(`${store.layout.keptOf(tree.digest)}/x.1`, { recursive: true });
      Deno.writeFileSync(`${store.layout.keptOf(tree.digest)}/x.1/file`, content("k"));
      Deno.writeFileSync(store.layout.keptLock(tree.digest, "x.1"), new Uint8Array());
    }
    Deno.mkdirSync(`${store.layout.tmp}/killed/deep`, { recursive: true });
    store.names.remove("one");
    const done = await collect(store);
    assertEquals([done.trees.count, done.leftovers.count], [2, 1]);
    assertEquals(trees(), 4);
    assertEquals([...Deno.readDirSync(store.layout.chains)].length, 2);
    for (const { path } of stacks[1]) assert(Deno.statSync(path).isFile);
    const kept = [...Deno.readDirSync(store.layout.kept)].map(({ name }) => name);
    assertEquals(kept, [two.tree.digest]);
    const locks = [...Deno.readDirSync(store.layout.locks)].map(({ name }) => name);
    assertEquals(locks.filter((name) => name.startsWith("kept-")), [
      basename(store.layout.keptLock(two.tree.digest, "x.1")),
    ]);
    checkWhole(store);
  },
});

Deno.test({
  ...needs("gc: an image that cannot be read stops it before anything goes", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const one = await bed.image("one", [BASE, ONE]);
    const two = await bed.image("two", [BASE, TWO]);
    bed.store.names.remove("two");
    Deno.writeTextFileSync(`${bed.store.layout.image(one.digest)}/image.json`, "{");
    await assertRejects(() => collect(bed.store), LaminaError, one.digest);
    assert(bed.store.images.get(two.digest) !== undefined);
  },
});

Deno.test({
  ...needs("gc: a store from before there were links is counted first", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    await bed.image("one", [BASE, ONE]);
    await bed.image("two", [BASE, TWO]);
    // As it was then: no links, no note of it.
    for (const diffId of store.layers.list()) {
      const links = `${store.layout.layer(diffId)}/links`;
      if ([...Deno.readDirSync(store.layout.layer(diffId))].some(({ name }) => name === "links")) {
        Deno.removeSync(links, { recursive: true });
      }
    }
    const format = JSON.parse(Deno.readTextFileSync(store.layout.format));
    assertEquals(format["ro-compat"], [COUNTED]);
    Deno.writeTextFileSync(
      store.layout.format,
      JSON.stringify({ ...format, "ro-compat": [] }),
    );
    // And one that died while it pulled.
    const index = Deno.readFileSync(store.layers.index(store.layers.list()[0]));
    Deno.mkdirSync(`${store.layout.tmp}/killed`);
    Deno.writeFileSync(`${store.layout.tmp}/killed/index.erofs`, index);
    store.names.remove("one");
    await collect(store);
    assertEquals(JSON.parse(Deno.readTextFileSync(store.layout.format))["ro-compat"], [COUNTED]);
    checkWhole(store);
  },
});

Deno.test({
  ...needs("gc: objects that a crash left without an index are found", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    await bed.image("one", [BASE]);
    const orphan = `${store.layout.objects}/aa/${"b".repeat(62)}`;
    Deno.writeFileSync(orphan, content("x"));
    await collect(store);
    assert(objectsOf(store).length === 3, "nobody looks at all objects for nothing");
    // The power failed: the index of what was being pulled is not all there.
    Deno.mkdirSync(`${store.layout.tmp}/killed`);
    Deno.writeFileSync(`${store.layout.tmp}/killed/index.erofs`, new Uint8Array(100));
    {
      using _pull = store.shared();
    }
    assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
    await collect(store);
    checkWhole(store);
  },
});

Deno.test({
  ...needs(
    "gc: an object that was renewed for want of links goes as each of its inodes is needed no more",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 64);
    const bed = new Bed(fs.path);
    const { store } = bed;
    const image = (name: string, mtime: number) =>
      bed.image(name, [[file("f", content("f"), { mtime })]]);
    await image("one", 1);
    // All the links that ext4 allows.
    const [object] = objectsOf(store);
    const links = `${fs.path}/links`;
    Deno.mkdirSync(links);
    for (let n = 2; n < 65_000; n++) {
      Deno.linkSync(`${store.layout.objects}/${object}`, `${links}/${n}`);
    }
    await image("two", 2);
    Deno.removeSync(links, { recursive: true });
    assertEquals(objectsOf(store), [object, `${object}.1`]);
    const { success } = await new Deno.Command("cp", {
      args: ["-a", store.root, `${fs.path}/again`],
    }).output();
    assert(success);
    // Either goes first. Where it is the new one, the one that was full gets its name back.
    for (
      const [store, names] of [[bed.store, ["one", "two"]], [Store.open(`${fs.path}/again`), [
        "two",
        "one",
      ]]] as const
    ) {
      for (const name of names) {
        store.names.remove(name);
        const said = await collect(store, { dryRun: true });
        assertEquals(said.objects, 1);
        assertEquals(await collect(store), { ...said, dryRun: false });
        checkWhole(store);
      }
      assertEquals(objectsOf(store), []);
    }
  },
});

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(`gc on ${kind}: it frees what it says, and no more`, notRoot(), available(kind)),
    async fn() {
      await using fs = await LoopFs.make(kind, 400);
      const bed = new Bed(fs.path);
      const { store } = bed;
      const MIB = 1 << 20;
      const big = (letter: string) => {
        const bytes = new Uint8Array(4 * MIB);
        for (let at = 0; at < bytes.length; at += 65536) {
          crypto.getRandomValues(bytes.subarray(at, at + 65536));
        }
        bytes[0] = letter.charCodeAt(0);
        return bytes;
      };
      const [a, b, c] = ["a", "b", "c"].map(big);
      await bed.image("one", [[file("a", a), file("b", b)]]);
      const two = await bed.image("two", [[file("a2", a, { mtime: 7 }), file("c", c)]]);
      store.names.remove("one");
      const before = usedBytes(fs.path);
      const done = await collect(store);
      // `b` goes; `a` is another layer's too, though the file was this one's.
      assertEquals([done.layers.length, done.objects], [1, 1]);
      const freed = before - usedBytes(fs.path);
      assert(Math.abs(freed - done.bytes) < MIB / 4, `${freed} freed, ${done.bytes} said`);
      assert(Math.abs(done.bytes - 4 * MIB) < MIB / 2, `${done.bytes} said`);
      checkWhole(store);
      const tree = bed.expected(two);
      assertEquals(tree.size, 3);
      store.names.remove("two");
      const last = await collect(store);
      assertEquals(last.objects, 2);
      assert(Math.abs(last.bytes - 8 * MIB) < MIB / 2, `${last.bytes} said at last`);
      assert(last.layers[0].sharedBytes >= 4 * MIB, "a content whose first layer went before");
      checkWhole(store);
    },
  });
}

Deno.test({
  ...needs("gc to a size: the least recently used go first, until it fits", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const MIB = 1 << 20;
    const names = ["a", "b", "c", "d"];
    for (const name of names) await bed.image(name, [BASE, [file(name, content(name, MIB))]]);
    // Used in another order than pulled; `c` first, but a lease keeps it.
    for (const name of ["c", "a", "d", "b"]) {
      store.images.use(store.images.find(name).digest);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    lease(store, "l", store.images.find("c").digest, null);
    const size = () => Disk.bytesOf(store.layout);
    const keepStorage = size() - 1.5 * MIB;
    const said = await collect(store, { keepStorage, dryRun: true });
    assertEquals(said.images.flatMap(({ names }) => names), ["a", "d"]);
    assert(said.layers.every(({ bytes }) => bytes > MIB), "the base is needed");
    await collect(store, { keepStorage });
    assert(size() <= keepStorage, `${size()}, not ${keepStorage}`);
    assertEquals((await collect(store, { keepStorage })).images, []);
    // What cannot be reached takes all that may go, and no more.
    await collect(store, { keepStorage: 1 });
    assertEquals(store.names.byDigest().size, 1);
    checkWhole(store);
  },
});
