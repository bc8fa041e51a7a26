import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { AT_FDCWD, check, linkat, readMounts } from "../../src/linux/mod.ts";
import { compose, type ComposeOptions } from "../../src/strategy/compose.ts";
import { findDead } from "../../src/strategy/dead.ts";
import { BUILT_IN, type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import type { FileEntry, Plugin } from "../../src/strategy/plugin.ts";
import { release, releaseAll } from "../../src/strategy/release.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, hardlink, symlink, type TarPiece } from "../support/tar.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, bytesOf } from "./bed.ts";

const MAIN = fromFileUrl(new URL("../../mod.ts", import.meta.url));
const NOTHING = { records: [], directories: [] };

function ordinary(): TarPiece[][] {
  return [
    [
      directory("etc", { mode: 0o755 }),
      file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
      file("etc/config", bytesOf(3000, 1)),
      directory("usr/bin"),
      file("usr/bin/tool", bytesOf(200_000, 2), { mode: 0o755 }),
      hardlink("usr/bin/tool-too", "usr/bin/tool"),
      file("usr/bin/small", bytesOf(5000, 3), { mode: 0o755 }),
      symlink("bin", "usr/bin"),
      directory("var/lib"),
      file("var/lib/state", bytesOf(40_000, 4)),
      file("var/lib/inline", "tiny"),
      hardlink("var/lib/tool-three", "usr/bin/tool"),
    ],
    [file("etc/motd", "hello"), file("usr/bin/small", bytesOf(6000, 5), { mode: 0o755 })],
  ];
}

/** Does to everything below a directory what could reach the store. */
function wreck(path: string): void {
  for (const entry of [...Deno.readDirSync(path)]) {
    const at = `${path}/${entry.name}`;
    if (entry.isDirectory) {
      wreck(at);
      Deno.chmodSync(at, 0o711);
      continue;
    }
    if (entry.isSymlink || !entry.isFile) continue;
    Deno.writeTextFileSync(at, "appended", { append: true });
    Deno.chmodSync(at, 0o600);
    Deno.chownSync(at, 77, 77);
    Deno.utimeSync(at, 1, 1);
    const opened = Deno.openSync(at, { write: true });
    opened.writeSync(new TextEncoder().encode("OVERWRITTEN"));
    opened.truncateSync(4);
    opened.close();
    Deno.renameSync(at, `${at}.moved`);
  }
  Deno.writeTextFileSync(`${path}/new-file`, "new");
}

const ISOLATED: readonly { strategy: string; options: Partial<ComposeOptions> }[] = [
  ...["overlay", "composefs", "reflink", "copy"].map((strategy) => ({ strategy, options: {} })),
  { strategy: "overlay", options: { upper: { kind: "tmpfs", size: 1 << 26 } } },
  { strategy: "hardlink", options: { writable: [""] } },
];

for (const kind of ["xfs", "ext4"] as const) {
  Deno.test({
    ...needs(
      `isolation on ${kind}: nothing done in a composition reaches the store`,
      notRoot(),
      available(kind),
    ),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 512);
      const bed = new Bed(fs.path);
      const plugins = await builtInPlugins();
      const image = await bed.image("ordinary", ordinary());
      const { layers, objects } = bed.store.layout;
      const [before, objectsBefore] = [snapshot(layers), snapshot(objects)];
      for (const { strategy, options } of ISOLATED) {
        if (strategy === "reflink" && kind === "ext4") continue;
        await t.step(`${strategy} ${JSON.stringify(options)}`, async () => {
          const target = bed.target();
          const made = await compose(bed.store, image, target, { plugins, strategy, ...options });
          wreck(target);
          assertEquals(diffSnapshots(before, snapshot(layers)), []);
          for (const entry of [...Deno.readDirSync(target)]) {
            Deno.removeSync(`${target}/${entry.name}`, { recursive: true });
          }
          assertEquals(diffSnapshots(before, snapshot(layers)), []);
          assertEquals(diffSnapshots(objectsBefore, snapshot(objects)), []);
          await release(bed.store, made.id, { plugins });
          assertEquals(bed.leftovers(), NOTHING);
        });
      }
    },
  });
}

Deno.test({
  ...needs(
    "hardlink: what is listed as writable is isolated, the rest is shared",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 256);
    const bed = new Bed(fs.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const before = snapshot(bed.store.layout.layers);
    const target = bed.target();
    const made = await compose(bed.store, image, target, {
      plugins,
      strategy: "hardlink",
      writable: ["/etc", "var/lib/tool-three", "not/there"],
    });
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    wreck(`${target}/etc`);
    // One name of the group is listed, so that all of its names are copies.
    Deno.writeTextFileSync(`${target}/var/lib/tool-three`, "changed");
    assertEquals(Deno.readTextFileSync(`${target}/usr/bin/tool`), "changed");
    assertEquals(diffSnapshots(before, snapshot(bed.store.layout.layers)), []);
    // Two in etc/ and the group are copied; what is in neither is the store's.
    assertEquals(made.notes.copied, 4);
    assertEquals(Deno.statSync(`${target}/var/lib/state`).nlink! > 1, true);
    await release(bed.store, target, { plugins });
    assertEquals(bed.leftovers(), NOTHING);
  },
});

/** A plugin that is not in a file: it works in one thread. */
function inMemory(plugin: Omit<Plugin, "apiVersion" | "summary">): LoadedPlugin {
  return {
    name: plugin.name,
    summary: "",
    version: "1",
    source: { url: "data:,", file: undefined },
    plugin: { apiVersion: 1, summary: "", ...plugin },
  };
}

/** A strategy like `copy` that does something else for one file. */
function disturbed(place: (file: FileEntry, count: number) => void): LoadedPlugin {
  return inMemory({
    name: "disturbed",
    create(host) {
      let count = 0;
      return {
        traits: {
          result: "directory",
          access: ["ro", "rw"],
          isolation: "full",
          survivesReboot: true,
          privilege: "none",
          integrity: false,
          upper: false,
        },
        probe: () => ({
          works: true,
          cost: { fixedMs: 1, msPerLayer: 0, usPerDirectory: 0, usPerFile: 0, usPerMiB: 0 },
        }),
        place: (file) => place(file, ++count),
        compose: (job) => host.materialize(job),
        release: ({ target }) => host.removeContents(target),
      };
    },
  });
}

Deno.test({
  ...needs("failure half-way: all that was made is gone, and the error says where", notRoot()),
  async fn(t) {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const image = await bed.image("ordinary", ordinary());
    const cases: readonly [name: string, plugin: LoadedPlugin, says: string][] = [
      [
        "it throws",
        disturbed((file, count) => {
          if (count === 4) throw new Error("no more");
          file.copy();
        }),
        "no more",
      ],
      [
        "it throws after creating",
        disturbed((file, count) => {
          file.create();
          if (count === 3) throw new Error("later");
        }),
        "later",
      ],
      [
        "it makes nothing",
        disturbed((file, count) => count === 2 ? undefined : file.copy()),
        "without making the file",
      ],
    ];
    for (const [name, plugin, says] of cases) {
      await t.step(name, async () => {
        const existing = `${bed.targets}/existing`;
        Deno.mkdirSync(existing);
        Deno.chmodSync(existing, 0o751);
        for (const target of [bed.target(), existing]) {
          const error = await assertRejects(
            () => compose(bed.store, image, target, { plugins: [plugin] }),
            LaminaError,
            says,
          );
          assertStringIncludes(
            (error as Error).message,
            `composing at ${target} by disturbed: making /`,
          );
        }
        assertEquals(Deno.statSync(existing).mode! & 0o7777, 0o751);
        Deno.removeSync(existing);
        assertEquals(bed.leftovers(), NOTHING);
      });
    }
  },
});

Deno.test({
  ...needs("a target that fills up: all that was made is gone", notRoot(), available("ext4")),
  async fn() {
    await using small = await LoopFs.make("ext4", 8);
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const pieces = Array.from({ length: 30 }, (_, i) => file(`f${i}`, bytesOf(400_000, i)));
    const image = await bed.image("large", [pieces]);
    const error = await assertRejects(
      () => compose(bed.store, image, `${small.path}/target`, { plugins, result: "directory" }),
      LaminaError,
      "ENOSPC",
    );
    assertStringIncludes((error as Error).message, "making /f");
    assertEquals([...Deno.readDirSync(small.path)].map(({ name }) => name), []);
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "a signal half-way: all that was made is gone, and the reason is what is thrown",
    notRoot(),
  ),
  async fn(t) {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const pieces = Array.from(
      { length: 9000 },
      (_, i) => file(`d${i % 90}/f${i}`, bytesOf(2000, i)),
    );
    const image = await bed.image("many", [pieces]);
    for (const when of ["before", "during"] as const) {
      await t.step(when, async () => {
        const controller = new AbortController();
        const reason = new Error("interrupted by a test");
        if (when === "before") controller.abort(reason);
        let seen = 0;
        const error = await assertRejects(() =>
          compose(bed.store, image, bed.target(), {
            plugins,
            strategy: "copy",
            signal: controller.signal,
            onProgress: (done, total) => {
              seen = done;
              assert(done <= total);
              controller.abort(reason);
            },
          })
        );
        assertEquals(error, reason);
        if (when === "during") assert(seen > 0 && seen < 9000, `${seen} entries were done`);
        assertEquals(bed.leftovers(), NOTHING);
      });
    }
  },
});

Deno.test({
  ...needs(
    "targets: what is refused, by kind and with what to do",
    notRoot(),
    cannotMount("overlay"),
  ),
  async fn(t) {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const at = (name: string) => `${temp.path}/${name}`;
    Deno.mkdirSync(at("full/inside"), { recursive: true });
    Deno.writeTextFileSync(at("file"), "");
    Deno.mkdirSync(at("empty"));
    Deno.symlinkSync("empty", at("link"));
    Deno.mkdirSync(at("mounted"));
    new Deno.Command("mount", { args: ["-t", "tmpfs", "x", at("mounted")] }).outputSync();
    Deno.mkdirSync(at("bound"));
    new Deno.Command("mount", { args: ["--bind", at("empty"), at("bound")] }).outputSync();
    try {
      const cases: readonly [target: string, kind: string, says: string][] = [
        ["full", "exists", "not empty (it holds inside)"],
        ["file", "exists", "not a directory"],
        ["link", "usage", "symbolic link"],
        ["mounted", "exists", "mounted"],
        ["bound", "exists", "mounted"],
        ["nowhere/target", "not-found", "nowhere does not exist"],
        ["file/target", "not-found", "file is not a directory"],
        ["store/inside", "usage", "inside the store"],
        ["store", "usage", "inside the store"],
        ["link/../store/x", "usage", "inside the store"],
      ];
      for (const [target, kind, says] of cases) {
        await t.step(target, async () => {
          const error = await assertRejects(
            () => compose(bed.store, image, at(target), { plugins }),
            LaminaError,
            says,
          );
          assertEquals((error as LaminaError).kind, kind);
          assert((error as LaminaError).hint !== undefined);
          assertEquals(bed.leftovers(), NOTHING);
        });
      }
    } finally {
      new Deno.Command("umount", { args: [at("mounted"), at("bound")] }).outputSync();
    }
    await t.step("one target, two compositions", async () => {
      const target = bed.target();
      const { id } = await compose(bed.store, image, target, { plugins, strategy: "copy" });
      Deno.removeSync(target, { recursive: true });
      const error = await assertRejects(
        () => compose(bed.store, image, target, { plugins }),
        LaminaError,
        `composition ${id} is there on record`,
      );
      assertEquals((error as LaminaError).kind, "exists");
      await release(bed.store, id, { plugins });
    });
  },
});

/** Strategies that need a filesystem with shared extents. */
const NEEDS_EXTENTS = new Set(["reflink", "btrfs-snapshot"]);

Deno.test({
  ...needs(
    "release: by target, id and prefix; twice; what it frees; what stays",
    notRoot(),
    cannotMount("overlay"),
  ),
  async fn(t) {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    for (const strategy of BUILT_IN.filter((name) => !NEEDS_EXTENTS.has(name))) {
      await t.step(strategy, async () => {
        const options = { plugins, strategy, isolation: "shared" } as const;
        const first = await compose(bed.store, image, bed.target(), options);
        Deno.writeFileSync(`${first.target}/written`, bytesOf(100_000, 1));
        const freed = await release(bed.store, first.target, { plugins });
        assertEquals([freed.id, freed.targetRemoved], [first.id, true]);
        assert(freed.bytes >= 100_000, `${freed.bytes} bytes`);
        assert(freed.entries > 0);

        const existing = `${bed.targets}/existing`;
        Deno.mkdirSync(existing);
        Deno.chmodSync(existing, 0o705);
        Deno.chownSync(existing, 12, 34);
        const second = await compose(bed.store, image, existing, options);
        assertEquals(diffSnapshots(bed.expected(image), snapshot(existing)), []);
        assertEquals(
          (await release(bed.store, second.id.slice(0, 6), { plugins })).targetRemoved,
          false,
        );
        const { mode, uid, gid } = Deno.statSync(existing);
        assertEquals([mode! & 0o7777, uid, gid], [0o705, 12, 34]);
        assertEquals([...Deno.readDirSync(existing)], []);
        Deno.removeSync(existing);

        await assertRejects(
          () => release(bed.store, second.id, { plugins }),
          LaminaError,
          second.id,
        );
        assertEquals(bed.leftovers(), NOTHING);
      });
    }
    await t.step("a directory that is gone, a mount that is gone", async () => {
      const one = await compose(bed.store, image, bed.target(), { plugins, strategy: "copy" });
      Deno.removeSync(one.target, { recursive: true });
      const two = await compose(bed.store, image, bed.target(), { plugins, strategy: "overlay" });
      assertEquals(findDead(bed.store), { dead: [], stale: [] });
      // Unmounted in one mount namespace, it is still there in another: only its user knows.
      const { stdout } = new Deno.Command("unshare", {
        args: [
          ...["--mount", "sh", "-c", 'umount "$1" && shift && exec "$@"', "sh", two.target],
          ...[Deno.execPath(), "run", "-A", "--quiet", "--no-check", MAIN],
          ...["--root", bed.store.root, "gc", "--json"],
        ],
      }).outputSync();
      const { compositions, stale } = JSON.parse(new TextDecoder().decode(stdout));
      const ids = stale.map(({ id }: { readonly id: string }) => id);
      assertEquals([compositions, ids], [[], [two.id]]);
      assertEquals(diffSnapshots(bed.expected(image), snapshot(two.target)), []);
      new Deno.Command("umount", { args: [two.target] }).outputSync();
      assertEquals(findDead(bed.store).stale.map(({ record }) => record.id), [two.id]);
      await release(bed.store, one.id, { plugins });
      await release(bed.store, two.id, { plugins });
      assertEquals(bed.leftovers(), NOTHING);
    });
    await t.step("a mount in a directory is in the way, and then it is not", async () => {
      const made = await compose(bed.store, image, bed.target(), { plugins, strategy: "copy" });
      const inner = `${made.target}/var`;
      new Deno.Command("mount", { args: ["-t", "tmpfs", "x", inner] }).outputSync();
      try {
        Deno.writeTextFileSync(`${inner}/precious`, "x");
        await assertRejects(() => release(bed.store, made.id, { plugins }), LaminaError, "EBUSY");
        assertEquals(Deno.readTextFileSync(`${inner}/precious`), "x");
        assertEquals(bed.store.compositions.list().map(({ state }) => state), ["releasing"]);
      } finally {
        new Deno.Command("umount", { args: [inner] }).outputSync();
      }
      await release(bed.store, made.id, { plugins });
      assertEquals(bed.leftovers(), NOTHING);
    });
    await t.step("all", async () => {
      for (const strategy of ["overlay", "copy", "composefs"]) {
        await compose(bed.store, image, bed.target(), { plugins, strategy });
      }
      const { released, failed } = await releaseAll(bed.store, { plugins });
      assertEquals([released.length, failed], [3, []]);
      assertEquals(bed.leftovers(), NOTHING);
    });
  },
});

Deno.test({
  ...needs(
    "many compositions at once, of one image and to one target",
    notRoot(),
    cannotMount("overlay"),
  ),
  async fn() {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const strategies = Array.from(
      { length: 12 },
      (_, i) => ["overlay", "copy", "composefs"][i % 3],
    );
    const made = await Promise.all(
      strategies.map((strategy) => compose(bed.store, image, bed.target(), { plugins, strategy })),
    );
    const expected = bed.expected(image);
    for (const { target } of made) assertEquals(diffSnapshots(expected, snapshot(target)), []);
    const one = bed.target();
    const results = await Promise.allSettled(
      strategies.map((strategy) => compose(bed.store, image, one, { plugins, strategy })),
    );
    assertEquals(results.filter(({ status }) => status === "fulfilled").length, 1);
    assertEquals(diffSnapshots(expected, snapshot(one)), []);
    await Promise.all(
      [...made.map(({ id }) => id), one].map((id) => release(bed.store, id, { plugins })),
    );
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "store and target on two filesystems: copies and mounts work, links and clones do not",
    notRoot(),
    available("xfs"),
  ),
  async fn() {
    await using fs = await LoopFs.make("xfs", 300);
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const target = `${fs.path}/target`;
    const made = await compose(bed.store, image, target, {
      plugins,
      result: "directory",
      isolation: "shared",
    });
    assertEquals(made.strategy, "copy");
    const reasons = new Map(made.rows.map((row) => [row.name, row.reason]));
    assertStringIncludes(reasons.get("hardlink")!, "EXDEV");
    assertStringIncludes(reasons.get("reflink")!, "EXDEV");
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    await release(bed.store, made.id, { plugins });
    const error = await assertRejects(
      () => compose(bed.store, image, target, { plugins, strategy: "hardlink", access: "ro" }),
      LaminaError,
      "composing with hardlink: it does not work here",
    );
    assertEquals((error as LaminaError).kind, "unsupported");
    assertEquals([...Deno.readDirSync(fs.path)], []);
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "hardlink: an inode with all the links that it can have is copied",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 256);
    const bed = new Bed(fs.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const [layer] = image.layers;
    const own = bed.store.layers.directory(layer.diffId);
    const links = `${fs.path}/links`;
    Deno.mkdirSync(links);
    // ext4 allows 65,000. A file alone is linked up to the last; a group is copied while all of it would still go.
    for (const [name, leave] of [["etc/config", 0], ["usr/bin/tool", 2]] as const) {
      const key = name.replaceAll("/", "-");
      for (let i = Deno.statSync(`${own}/${name}`).nlink!; i < 65_000 - leave; i++) {
        check(linkat(AT_FDCWD, `${own}/${name}`, AT_FDCWD, `${links}/${key}-${i}`), "linkat", name);
      }
    }
    const target = bed.target();
    const made = await compose(bed.store, image, target, {
      plugins,
      strategy: "hardlink",
      access: "ro",
    });
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    assertEquals([made.notes.copied, made.notes.hardLinks], [2, 2]);
    assertEquals(Deno.statSync(`${target}/usr/bin/tool`).nlink, 3);
    await release(bed.store, made.id, { plugins });
  },
});

Deno.test({
  ...needs(
    "overlay: 300 layers, and an upper directory that is used again",
    notRoot(),
    cannotMount("overlay"),
  ),
  async fn() {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    const layers = Array.from({ length: 300 }, (_, i) => [
      file(`layer-${i}`, `${i}`),
      file("top", `${i}`),
      directory(`d${i % 7}`, { mode: 0o700 + (i % 8), mtime: 1_000_000_000 + i }),
    ]);
    const image = await bed.image("tall", layers);
    const expected = bed.expected(image);
    const upper = `${temp.path}/upper`;
    for (const round of [0, 1]) {
      const target = bed.target();
      const options = {
        plugins,
        strategy: "overlay",
        upper: { kind: "directory", path: upper },
      } as const;
      const made = await compose(bed.store, image, target, options);
      if (round === 0) {
        assertEquals(diffSnapshots(expected, snapshot(target)), []);
        await assertRejects(
          () => compose(bed.store, image, bed.target(), options),
          LaminaError,
          "writes to",
        );
        Deno.writeTextFileSync(`${target}/kept`, "kept");
        Deno.removeSync(`${target}/layer-5`);
      } else {
        assertEquals(Deno.readTextFileSync(`${target}/kept`), "kept");
        assertEquals([...Deno.readDirSync(target)].some(({ name }) => name === "layer-5"), false);
      }
      await release(bed.store, made.id, { plugins });
      assertEquals(bed.leftovers(), NOTHING);
    }
    assertEquals([...Deno.readDirSync(upper)].map(({ name }) => name), ["upper"]);
  },
});

Deno.test({
  ...needs(
    "read-only overlays cannot be written, also of a single layer; no mount is left over",
    notRoot(),
    cannotMount("overlay"),
  ),
  async fn() {
    using temp = new TempDir(FAST);
    const bed = new Bed(temp.path);
    const plugins = await builtInPlugins();
    // Others mount things elsewhere at the same time.
    const ours = () => readMounts().filter(({ path }) => path.startsWith(temp.path)).length;
    const image = await bed.image("single", [[file("file", "x"), directory("d")]]);
    for (const strategy of ["overlay", "composefs"]) {
      const made = await compose(bed.store, image, bed.target(), {
        plugins,
        strategy,
        access: "ro",
      });
      assertEquals(ours(), 1);
      for (const path of ["new", "file", "d/new"]) {
        await assertRejects(() => Deno.writeTextFile(`${made.target}/${path}`, ""));
      }
      await release(bed.store, made.id, { plugins });
    }
    const made = await compose(bed.store, image, bed.target(), {
      plugins,
      strategy: "overlay",
      upper: { kind: "tmpfs", size: 1 << 20 },
    });
    assertEquals(ours(), 1);
    await assertRejects(() => Deno.writeFile(`${made.target}/large`, new Uint8Array(4 << 20)));
    await release(bed.store, made.id, { plugins });
    assertEquals(ours(), 0);
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "an outside plugin composes in two threads, is needed to release, and is chosen when it is fastest",
    notRoot(),
  ),
  async fn() {
    using temp = new TempDir(FAST);
    // Root loads plugins from its own folders only.
    using folder = new TempDir("/root");
    const bed = new Bed(temp.path);
    // The first thread dawdles until the second one is at work.
    const dawdling = `
      if (typeof WorkerGlobalScope !== "undefined") host.fs.write("${temp.path}/second", new Uint8Array(1));
      else if (!host.fs.exists("${temp.path}/second")) {
        for (const end = Date.now() + 3; Date.now() < end;);
      }
      file.copy();`;
    const source = Deno.readTextFileSync(new URL("../../plugins/copy.ts", import.meta.url))
      .replace("file.copy();", dawdling)
      .replace('name: "copy"', 'name: "outside"').replace("usPerFile: small", "usPerFile: 0")
      .replace("usPerMiB }", "usPerMiB: 0 }").replace("usPerDirectory,", "usPerDirectory: 0,");
    const path = `${folder.path}/outside.ts`;
    Deno.writeTextFileSync(path, source);
    const { loaded, failed } = await loadPlugins({ files: [path] });
    assertEquals(failed, []);
    const pieces = Array.from({ length: 5000 }, (_, i) => {
      const path = `d${i % 10}/e${i % 50}/f${i}`;
      // Links from directory to directory, so from thread to thread.
      return i % 7 === 0 && i > 0
        ? hardlink(path, `d${(i - 1) % 10}/e${(i - 1) % 50}/f${i - 1}`)
        : file(path, bytesOf(i % 200, i));
    });
    const image = await bed.image("many", [pieces]);
    const made = await compose(bed.store, image, bed.target(), {
      plugins: loaded,
      result: "directory",
      threads: 2,
    });
    assertEquals([made.strategy, made.notes.threads], ["outside", 2]);
    assertEquals(diffSnapshots(bed.expected(image), snapshot(made.target)), []);
    const plugins = await builtInPlugins();
    const error = await assertRejects(
      () => release(bed.store, made.id, { plugins }),
      LaminaError,
      "not loaded",
    );
    assertStringIncludes((error as LaminaError).hint!, `--plugin ${path}`);
    await release(bed.store, made.id, { plugins: loaded });
    assertEquals(bed.leftovers(), NOTHING);
  },
});
