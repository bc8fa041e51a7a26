import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { compose } from "../../src/strategy/compose.ts";
import { findDead } from "../../src/strategy/dead.ts";
import { BUILT_IN } from "../../src/strategy/loader.ts";
import { release, releaseAll } from "../../src/strategy/release.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, bytesOf, NOTHING, ordinary } from "./bed.ts";

const MAIN = fromFileUrl(new URL("../../mod.ts", import.meta.url));

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
