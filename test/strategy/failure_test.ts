import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { compose } from "../../src/strategy/compose.ts";
import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import type { FileEntry } from "../../src/strategy/plugin.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { file } from "../support/tar.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, bytesOf, NOTHING, ordinary } from "./bed.ts";
import { COST, DIRECTORY, inMemory } from "./in_memory.ts";

/** A strategy like `copy` that does something else for one file. */
function disturbed(place: (file: FileEntry, count: number) => void): LoadedPlugin {
  return inMemory("disturbed", (host) => {
    let count = 0;
    return {
      traits: DIRECTORY,
      probe: () => ({ works: true, cost: COST }),
      place: (file) => place(file, ++count),
      compose: (job) => host.materialize(job),
      release: ({ target }) => host.removeContents(target),
    };
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
