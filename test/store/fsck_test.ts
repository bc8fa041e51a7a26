// What a check finds, what it does not, and what a repair makes of it.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { umount2 } from "../../src/linux/mod.ts";
import { Refetcher } from "../../src/oci/refetch.ts";
import { checkStore } from "../../src/store/fsck/check.ts";
import type { Finding } from "../../src/store/fsck/finding.ts";
import { type Repaired, repairStore } from "../../src/store/fsck/repair/repair.ts";
import { type ImageRecord, Store } from "../../src/store/mod.ts";
import { collect as collectGarbage } from "../../src/store/gc/collect.ts";
import { TempDir } from "../support/temp.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { builtInPlugins } from "../strategy/bed.ts";
import { writeOciLayout } from "../support/images.ts";
import { available, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, hardlink, makeTar, symlink, type TarPiece } from "../support/tar.ts";
import { pullShared } from "../support/threads.ts";

const content = (letter: string) => letter.repeat(9000);

/** A layer with one of everything. */
function base(mtime: number): TarPiece[] {
  return [
    directory("d", { uid: 3, gid: 4, mode: 0o2755, xattrs: { "user.d": "1" }, mtime }),
    file("d/file", content("f"), { uid: 1, gid: 2, mode: 0o4750, mtimeText: `${mtime}.123456789` }),
    file("d/attributes", content("c"), { xattrs: { "user.x": "value" }, mtime }),
    file("d/small", "small", { mtime }),
    file("d/empty", "", { mtime }),
    file("d/one", content("1"), { mtime }),
    hardlink("d/two", "d/one"),
    symlink("d/link", "file", { uid: 7, mtime }),
    { name: "d/null", type: "char", major: 1, minor: 3, mtime },
    { name: "d/fifo", type: "fifo", mtime },
    file("d/hidden", content("h"), { mtime }),
  ];
}

/** One above it: a content that the first has, a whiteout, an opaque directory, a hard link into the first layer. */
const ABOVE: TarPiece[] = [
  directory("e"),
  file("e/same", content("f"), { mtime: 5 }),
  file("e/own", content("o")),
  file("d/.wh.hidden", ""),
  directory("o"),
  file("o/.wh..wh..opq", ""),
  hardlink("e/linked", "d/one"),
];

/** A store with an image, and a second one whose lower layer has the same contents with other times. */
class Fixture {
  readonly store: Store;
  readonly layout: string;
  one!: ImageRecord;
  two!: ImageRecord;

  constructor(path: string) {
    this.store = Store.open(`${path}/store`, { create: true });
    this.layout = `${path}/layout`;
  }

  async fill(): Promise<void> {
    await writeOciLayout(this.layout, [
      { name: "one", layers: [base(1_700_000_000), ABOVE].map((p) => makeTar(p)) },
      { name: "two", layers: [base(1_800_000_000), ABOVE].map((p) => makeTar(p)) },
      { name: "base", layers: [makeTar(base(1_700_000_000))] },
    ]);
    // So that it is this layer that brings what others have as well.
    const { image: { digest } } = await pullShared(this.store, `oci:${this.layout}:base`);
    this.store.names.remove("base");
    this.store.images.remove(digest);
    this.one = (await pullShared(this.store, `oci:${this.layout}:one`)).image;
    this.two = (await pullShared(this.store, `oci:${this.layout}:two`)).image;
    this.store.chains.stack(this.two, "layered");
  }

  /** A path in the lower layer of an image. */
  base(path: string, image = this.one): string {
    return this.layer(`fs/${path}`, image);
  }

  layer(path: string, { layers }: ImageRecord = this.one): string {
    return `${this.store.layout.layer(layers[0].diffId)}/${path}`;
  }

  image(path: string, { digest }: ImageRecord = this.one): string {
    return `${this.store.layout.image(digest)}/${path}`;
  }

  /** The object of a file of the lower layer. */
  object(name: string): string {
    const { children } = this.store.layers.tree(this.one.layers[0].diffId).children!.get("d")!;
    return `${this.store.layout.objects}/${children!.get(name)!.payload}`;
  }

  /** What both images look like when composed: by their layers, and by the contents alone. */
  async look(): Promise<Map<string, string>> {
    const plugins = await builtInPlugins();
    const look = new Map<string, string>();
    for (const image of [this.one, this.two]) {
      for (const strategy of ["overlay", "copy"]) {
        const target = `${this.store.root}/../target`;
        const { id } = await compose(this.store, image, target, {
          plugins,
          strategy,
          access: "ro",
        });
        for (const [path, entry] of snapshot(target)) {
          look.set(`${strategy} ${image.digest.slice(7, 12)} ${path}`, entry);
        }
        await release(this.store, id, { plugins });
      }
    }
    return look;
  }

  async repair(): Promise<Repaired> {
    await using source = new Refetcher(this.store.native);
    return await repairStore(this.store, source);
  }
}

function line({ kind, severity, path, images }: Finding): string {
  const of = images.length === 0 ? "" : ` of ${images.length}`;
  if (path?.startsWith("sha256:")) path = "LAYER";
  return `${severity === "damage" ? "" : "reclaimable "}${kind}${path ? ` ${path}` : ""}${of}`;
}

async function collect(store: Store, options = {}): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of checkStore(store, options)) findings.push(finding);
  return findings;
}

async function check(store: Store, options = {}): Promise<string[]> {
  return (await collect(store, options)).map(line).sort();
}

/** Changes a file's content, and hides it. */
function tamper(path: string): void {
  const { mtime, size } = Deno.statSync(path);
  Deno.writeTextFileSync(path, "x".repeat(size));
  Deno.utimeSync(path, mtime!, mtime!);
}

/** A file of the second image's lower layer whose content the first has, too. */
const SHARED = "d/attributes";

/** A damage, and what is found of it. */
type Damage = readonly [make: (f: Fixture) => void, found: readonly string[], onExt4?: string[]];
/** By what is damaged at once, as it has nothing to do with each other. */
const DAMAGES: Record<string, readonly Damage[]> = {
  "a content that was written to, and almost hidden": [
    [
      (f) => tamper(f.object("file")),
      // The time is not right to the nanosecond.
      ["object-content of 2", "entry-content /d/file of 1", "entry-metadata /d/file of 1"],
      // Here others have it by links to the object.
      ["entry-content /d/file of 1", "entry-content /e/same of 2"],
    ],
  ],
  "entries": [
    [(f) => Deno.removeSync(f.base("d/empty")), ["entry-missing /d/empty of 1"]],
    [(f) => Deno.writeTextFileSync(f.base("extra"), "x"), [
      "entry-extra /extra of 1",
      "entry-metadata / of 1",
    ]],
    [(f) => Deno.chmodSync(f.base("d/fifo"), 0o777), ["entry-metadata /d/fifo of 1"]],
    [(f) => Deno.chownSync(f.base("d/attributes"), 9, 9), ["entry-metadata /d/attributes of 1"]],
    [(f) => replace(f.base("d/link"), (path) => Deno.symlinkSync("elsewhere", path)), [
      "entry-metadata /d of 1",
      "entry-metadata /d/link of 1",
    ]],
    [(f) => replace(f.base("d/null"), (path) => Deno.writeTextFileSync(path, "")), [
      "entry-type /d/null of 1",
    ]],
    [(f) => tamper(f.base("d/small")), ["entry-content /d/small of 1"]],
    [(f) => {
      const bytes = Deno.readFileSync(f.base("d/two"));
      replace(f.base("d/two"), (path) => Deno.writeFileSync(path, bytes));
    }, ["entry-metadata /d/two of 1"]],
    [(f) => Deno.removeSync(f.object("hidden")), [
      "layer-object /d/hidden of 1",
      "layer-object /d/hidden of 1",
    ]],
    [(f) => Deno.writeTextFileSync(`${f.store.layout.objects}/00/note`, "x"), ["object-foreign"]],
    [(f) => Deno.removeSync(f.base(SHARED, f.two)), [
      "entry-metadata /d of 1",
      `entry-missing /${SHARED} of 1`,
    ]],
  ],
  "records, indexes, trees": [
    [(f) => Deno.truncateSync(f.layer("index.erofs"), 5000), ["layer-index index.erofs of 1"]],
    [(f) => Deno.writeTextFileSync(f.layer("layer.json", f.two), "{"), [
      "layer-record layer.json of 1",
    ]],
    [(f) => tamper(f.store.layout.tree(f.one.tree.digest)), ["image-tree of 1"]],
    [(f) => Deno.removeSync(f.image("manifest.json")), ["image-document manifest.json of 1"]],
    [(f) => Deno.writeTextFileSync(f.image("origins", f.two), ""), ["image-parts origins of 1"]],
  ],
  "an image's record, a directory of a layer": [
    [(f) => Deno.writeTextFileSync(f.image("image.json"), "{"), ["image-record image.json of 1"]],
    [(f) => Deno.removeSync(f.base("d", f.two), { recursive: true }), [
      "entry-metadata / of 1",
      "entry-missing /d of 1",
      "image-parts fixup of 1",
    ]],
  ],
  "a whole layer": [
    [(f) => Deno.removeSync(f.layer(""), { recursive: true }), ["image-layer LAYER of 1"]],
  ],
};

function replace(path: string, make: (path: string) => void): void {
  Deno.removeSync(path);
  make(path);
}

for (const kind of ["ext4", "xfs"] as LoopKind[]) {
  Deno.test({
    ...needs(`fsck on ${kind}`, notRoot(), available(kind)),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 400);
      const fixture = new Fixture(fs.path);
      await fixture.fill();
      const { store } = fixture;
      await t.step("a store that is whole", async () => {
        assertEquals(await check(store), []);
        assertEquals(await check(store, { quick: true, images: [fixture.one.digest] }), []);
        assertEquals(await check(store, { threads: 2 }), []);
      });
      const before = await fixture.look();
      for (const [name, damages] of Object.entries(DAMAGES)) {
        await t.step(name, async () => {
          const blocks = () => Deno.statSync(fixture.base(SHARED, fixture.two)).blocks;
          const blocksBefore = blocks();
          damages.forEach(([make]) => make(fixture));
          const expected = damages.flatMap(([, found, onExt4]) => [
            ...found,
            ...kind === "ext4" ? onExt4 ?? [] : [],
          ]).sort();
          const { found, remaining, failures } = await fixture.repair();
          assertEquals(found.map(line).sort(), expected);
          assertEquals([remaining.map(line), failures], [[], []]);
          assertEquals(diffSnapshots(before, await fixture.look()), []);
          assertEquals(blocks(), blocksBefore, "what was shared is shared");
        });
      }
    },
  });
}

Deno.test({
  ...needs(
    "fsck: what compositions share, mounts that are in use, sources that are gone",
    notRoot(),
  ),
  async fn(t) {
    using temp = new TempDir();
    const fixture = new Fixture(temp.path);
    await fixture.fill();
    const { store } = fixture;
    const plugins = await builtInPlugins();
    const before = await fixture.look();
    const target = `${temp.path}/composed`;

    await t.step("a file that was written to through a hard link", async () => {
      const { id } = await compose(store, fixture.one, target, {
        plugins,
        strategy: "hardlink",
        isolation: "shared",
      });
      Deno.writeTextFileSync(`${target}/d/attributes`, "y".repeat(9000));
      const findings = await collect(store);
      const shared = { composition: id, path: `${target}/d/attributes` };
      const own = findings.filter(({ id, path }) =>
        id === fixture.one.layers[0].diffId && path === "/d/attributes"
      );
      assertEquals(own.map(({ kind }) => kind), ["entry-metadata", "entry-content"]);
      assertEquals(own[1].sharedWith, [shared]);
      const { changed } = await release(store, id, { plugins });
      assertEquals(changed, [shared.path]);
      const { remaining } = await fixture.repair();
      assertEquals(remaining.map(line), []);
      assertEquals(diffSnapshots(before, await fixture.look()), []);
    });
    await t.step("a file that was replaced in such a composition is nobody's damage", async () => {
      const { id } = await compose(store, fixture.one, target, {
        plugins,
        strategy: "hardlink",
        isolation: "shared",
      });
      replace(`${target}/d/attributes`, (path) => Deno.writeTextFileSync(path, "mine"));
      assertEquals(await check(store), []);
      assertEquals((await release(store, id, { plugins })).changed, []);
    });
    await t.step("a layer that a mount uses is left alone until that is released", async () => {
      const { id } = await compose(store, fixture.one, target, { plugins, strategy: "overlay" });
      Deno.chmodSync(fixture.base("d/fifo"), 0o777);
      const { remaining, inUse } = await fixture.repair();
      assertEquals(remaining.map(line), ["entry-metadata /d/fifo of 1"]);
      assertEquals(inUse, [{ diffId: fixture.one.layers[0].diffId, compositions: [id] }]);
      await release(store, id, { plugins });
      assertEquals((await fixture.repair()).remaining, []);
    });
    await t.step("what cannot be fetched goes into quarantine, until it is pulled", async () => {
      Deno.renameSync(fixture.layout, `${fixture.layout}-gone`);
      Deno.writeTextFileSync(fixture.object("hidden"), "z".repeat(9000));
      const { remaining, quarantine, failures } = await fixture.repair();
      assertEquals(new Set(remaining.map(line)), new Set(["image-layer LAYER of 1"]));
      assertEquals(failures.length > 0, true);
      assertEquals([...Deno.readDirSync(quarantine!)].length > 0, true);
      Deno.renameSync(`${fixture.layout}-gone`, fixture.layout);
      for (const name of ["one", "two"]) await pullShared(store, `oci:${fixture.layout}:${name}`);
      assertEquals((await fixture.repair()).remaining.map(line), []);
      assertEquals(diffSnapshots(before, await fixture.look()), []);
    });
    await t.step("records, leftovers", async () => {
      const image = fixture.one.digest;
      const missing = `sha256:${"0".repeat(64)}`;
      store.names.set("nothing", missing);
      const created = new Date().toISOString();
      const lease = { image, imageName: "", owner: "", created, expires: null };
      store.leases.add({ ...lease, id: "whole" });
      store.leases.add({ ...lease, id: "no-image", image: missing });
      Deno.writeTextFileSync(`${store.layout.leases}/cut`, "{");
      Deno.mkdirSync(store.compositions.workspace("0123456789ab"));
      Deno.mkdirSync(`${store.layout.tmp}/killed`);
      Deno.writeTextFileSync(store.layout.layerLock(missing), "");
      const spares = [1, 2].map((n) => `${fixture.object("file")}.${n}`);
      Deno.writeTextFileSync(spares[0], "not it");
      Deno.copyFileSync(fixture.object("file"), spares[1]);
      assertEquals(await check(store), [
        "lease-image",
        "lease-record",
        "name-image",
        "object-content of 2",
        "reclaimable leftover",
        "reclaimable leftover",
        "reclaimable leftover",
      ]);
      const { remaining, quarantined } = await fixture.repair();
      assertEquals(remaining.map(line), ["reclaimable leftover"]);
      const spare = spares[0].slice(store.root.length + 1);
      assertEquals(quarantined.toSorted(), [
        "leases/cut",
        "leases/no-image",
        spare,
        "tags/nothing",
      ]);
      assertEquals(Deno.statSync(spares[0]).size, 9000, "the last has its number");
      Deno.removeSync(store.compositions.workspace("0123456789ab"));
      store.leases.remove("whole");
    });
    await t.step(
      "an image that is gone, and is needed; a chain's tree of other layers",
      async () => {
        const { digest, tree } = fixture.two;
        const { id } = await compose(store, fixture.two, target, { plugins, strategy: "copy" });
        const created = new Date().toISOString();
        store.leases.add({
          id: "kept",
          image: digest,
          imageName: "two",
          owner: "",
          created,
          expires: null,
        });
        store.chains.stack(fixture.two, "layered");
        const [chain] = [...Deno.readDirSync(store.layout.chains)].filter(({ name }) =>
          name.endsWith("-1")
        );
        Deno.writeTextFileSync(`${store.layout.chains}/${chain.name}`, `${tree.digest}\n`);
        const [first] = await check(store);
        assertEquals(first, "chain-tree of 1");
        store.images.remove(digest);
        assertEquals(await check(store), [
          `composition-image ${target}`,
          "lease-image",
          "name-image",
        ]);
        assertEquals((await fixture.repair()).remaining, []);
        await release(store, id, { plugins });
        store.leases.remove("kept");
        assertEquals(diffSnapshots(before, await fixture.look()), []);
      },
    );
    await t.step("a layer that came before indexes had digests", async () => {
      const [lower, upper] = fixture.one.layers.map(({ diffId }) => store.layout.layer(diffId));
      const { indexDigest: _, ...record } = JSON.parse(
        Deno.readTextFileSync(`${lower}/layer.json`),
      );
      Deno.writeTextFileSync(`${lower}/layer.json`, JSON.stringify(record));
      assertEquals(await check(store), []);
      Deno.chmodSync(`${lower}/fs/d/fifo`, 0o777);
      assertEquals((await fixture.repair()).remaining, []);
      Deno.copyFileSync(`${upper}/index.erofs`, `${lower}/index.erofs`);
      const { found, remaining } = await fixture.repair();
      assertEquals([found.some(({ kind }) => kind === "entry-missing"), remaining], [true, []]);
      assertEquals(diffSnapshots(before, await fixture.look()), []);
    });
    await t.step("a composition whose record cannot be read, mounted and not", async () => {
      const { id } = await compose(store, fixture.one, target, { plugins, strategy: "overlay" });
      const record = `${store.compositions.workspace(id)}/record.json`;
      Deno.writeTextFileSync(record, "{");
      const { remaining: [left], quarantined } = await fixture.repair();
      assertEquals([line(left), quarantined], ["composition-record", []]);
      assertStringIncludes(left.message, `no record has the mount ${target}`);
      assertEquals(umount2(target, 0), 0);
      const { remaining, quarantined: after } = await fixture.repair();
      assertEquals([remaining, after], [[], [`compositions/${id}`]]);
    });
    await t.step("beside pulls, compositions and the collector", async () => {
      let working = true;
      const work = async () => {
        for (let round = 0; round < 2; round++) {
          const again = await pullShared(store, `oci:${fixture.layout}:one`);
          const { id } = await compose(store, again.image, target, { plugins, strategy: "copy" });
          await release(store, id, { plugins });
          store.names.remove("one");
          await collectGarbage(store);
        }
        working = false;
      };
      const checks = async () => {
        const damaged: string[] = [];
        while (working) {
          // The collector has to have its turn.
          await new Promise((resolve) => setTimeout(resolve, 150));
          for (const found of await check(store)) {
            if (!found.startsWith("reclaimable")) damaged.push(found);
          }
        }
        return damaged;
      };
      const [damaged] = await Promise.all([checks(), work()]);
      assertEquals(damaged, []);
      assertEquals(await check(store), []);
    });
  },
});
