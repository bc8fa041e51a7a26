import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, NOTHING, ordinary } from "./bed.ts";

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
        ["with\0nul", "usage", "no name of a file"],
        ["half\ud800", "usage", "no name of a file"],
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
      await t.step("an upper directory with such a name", async () => {
        const upper = { kind: "directory", path: at("upper\0x") } as const;
        await assertRejects(
          () => compose(bed.store, image, at("empty"), { plugins, upper }),
          LaminaError,
          "no name of a file",
        );
        assertEquals(bed.leftovers(), NOTHING);
      });
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
