import { assertEquals, assertRejects } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { readMounts } from "../../src/linux/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file } from "../support/tar.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, NOTHING } from "./bed.ts";

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
