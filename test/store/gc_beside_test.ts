// A collector beside pulls and compositions: what these have just decided to use stays.

import { assert, assertEquals } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { pull } from "../../src/oci/pull.ts";
import { collect } from "../../src/store/gc/collect.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { writeOciLayout } from "../support/images.ts";
import { needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { file, makeTar, type TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins } from "../strategy/bed.ts";
import { checkWhole } from "./whole.ts";

/** A content of its own for each letter. */
function content(letter: string): Uint8Array {
  return new TextEncoder().encode(`${letter}-`.repeat(2500));
}

const BASE: TarPiece[] = [file("base", content("b")), file("common", content("c"))];
const ONE: TarPiece[] = [file("one", content("o")), file("common2", content("c"))];
const TWO: TarPiece[] = [file("two", content("t")), file("one-too", content("o"))];

Deno.test({
  ...needs("gc beside pulls of the same layers: what a pull brought is whole", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const layouts = ["x", "y"].map((name) => `${temp.path}/${name}`);
    const tops: Record<string, TarPiece[]> = { x: ONE, y: TWO };
    for (const layout of layouts) {
      const name = layout.at(-1)!;
      const layers = [BASE, tops[name]].map((pieces) => makeTar(pieces));
      await writeOciLayout(layout, [{ name, layers, compression: "none" }]);
    }
    let pulling = true;
    const collecting = (async () => {
      let rounds = 0;
      for (; pulling || rounds < 2; rounds++) {
        for (const name of ["x", "y"]) if (rounds % 2 === 0) store.names.remove(name);
        await collect(store);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    await Promise.all(layouts.map(async (layout) => {
      const name = layout.at(-1)!;
      for (let i = 0; i < 8; i++) {
        const { image } = await pull(store, `oci:${layout}:${name}`, { name: `${name}-kept` });
        for (const { diffId } of image.layers) assert(store.layers.has(diffId));
        store.names.remove(`${name}-kept`);
        await pull(store, `oci:${layout}:${name}`);
      }
    }));
    pulling = false;
    await collecting;
    await collect(store);
    checkWhole(store);
    // All of what is still there can be composed.
    await Promise.all(layouts.map((layout) => pull(store, `oci:${layout}:${layout.at(-1)}`)));
    checkWhole(store);
    for (const image of store.images.list()) assert(bed.expected(image).size > 0);
  },
});

Deno.test({
  ...needs("gc beside compositions: what is composed is whole", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const layout = `${temp.path}/layout`;
    const layers = [BASE, ONE].map((pieces) => makeTar(pieces));
    await writeOciLayout(layout, [{ name: "x", layers, compression: "none" }]);
    const options = { plugins: await builtInPlugins(), strategy: "copy" };
    let composing = true;
    let taken = 0;
    const collecting = (async () => {
      while (composing) {
        taken += (await collect(store, { all: true })).images.length;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    })();
    for (let i = 0; i < 6; i++) {
      // Between the two it may be collected.
      const { image } = await pull(store, `oci:${layout}:x`);
      if (i % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const made = await compose(store, image, bed.target(), options).catch((error) => {
        assert(error instanceof LaminaError && error.kind === "not-found", error);
      });
      if (made === undefined) continue;
      assertEquals(diffSnapshots(bed.expected(image), snapshot(made.target)), []);
      for (const { diffId } of image.layers) assert(store.layers.has(diffId));
      await release(store, made.id, options);
    }
    composing = false;
    await collecting;
    assert(taken > 0, "nothing was ever collected");
    await collect(store, { all: true });
    checkWhole(store);
    assertEquals(store.layers.list(), []);
  },
});
