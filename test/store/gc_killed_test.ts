// kill -9 in the middle of a collection, and of a pull: nothing is lost, and the next collection leaves nothing behind.

import { assert, assertEquals } from "@std/assert";
import { collect } from "../../src/store/gc/collect.ts";
import { Store } from "../../src/store/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { file, makeTar, type TarPiece } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed } from "../strategy/bed.ts";
import { killed } from "./killed.ts";
import { checkImages, checkWhole } from "./whole.ts";

function files(letters: string, mtime: number): TarPiece[] {
  return Array.from(letters, (letter) => file(letter, letter.repeat(3000), { mtime }));
}

async function copyStore(from: string, to: string): Promise<Store> {
  const { success } = await new Deno.Command("cp", { args: ["-a", from, to] }).output();
  assert(success);
  return Store.open(to);
}

Deno.test({
  ...needs("gc: kill -9 anywhere", notRoot(), lacks("strace")),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    await bed.image("keep", [files("abc", 1)]);
    // One layer that is the first with what the other one shares, and one that shares with what stays.
    await bed.image("gone", [files("cdef", 2), files("efgh", 3)]);
    bed.store.names.remove("gone");
    // Renames take things out of the store, unlinkat removes files, then objects.
    for (const [call, step, least] of [["renameat2", 1, 4], ["unlinkat", 9, 2]] as const) {
      let kills = 0;
      for (let nth = 1;; nth += step) {
        const store = await copyStore(bed.store.root, `${temp.path}/${call}-${nth}`);
        const died = await killed(call, nth, "gc_child.ts", store.root);
        checkImages(store);
        // A pull or composition that comes next finishes it as well.
        if (nth % 2 === 0) store.shared()[Symbol.dispose]();
        await collect(store);
        checkWhole(store);
        assertEquals([store.images.list().length, store.layers.list().length], [1, 1]);
        Deno.removeSync(store.root, { recursive: true });
        if (!died) break;
        kills++;
      }
      assert(kills >= least, `${kills} kills by ${call}`);
    }
  },
});

Deno.test({
  ...needs("gc: kill -9 anywhere in a pull", notRoot(), lacks("strace")),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    await bed.image("keep", [files("abc", 1)]);
    const layout = `${temp.path}/layout`;
    const layers = [makeTar(files("cdefefgh", 2)), makeTar(files("aghi", 3))];
    await writeOciLayout(layout, [{ name: "new", layers, compression: "none" }]);
    const reference = `oci:${layout}:new`;
    // linkat makes objects and links, renames let things enter.
    for (const [call, step, least] of [["linkat", 4, 2], ["renameat2", 3, 1]] as const) {
      let kills = 0;
      for (let nth = 1;; nth += step) {
        const store = await copyStore(bed.store.root, `${temp.path}/${call}-${nth}`);
        const died = await killed(call, nth, "../oci/pull_child.ts", store.root, reference);
        checkImages(store);
        await collect(store);
        checkWhole(store);
        Deno.removeSync(store.root, { recursive: true });
        if (!died) break;
        kills++;
      }
      assert(kills >= least, `${kills} kills by ${call}`);
    }
  },
});
