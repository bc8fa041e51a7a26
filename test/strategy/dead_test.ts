import { assertEquals } from "@std/assert";
import type { CompositionRecord } from "../../src/store/mod.ts";
import { findDead, releaseDead } from "../../src/strategy/dead.ts";
import { bootId } from "../../src/strategy/memory.ts";
import { needs, notRoot } from "../support/root.ts";
import { file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins } from "./bed.ts";

Deno.test({
  ...needs("what a reboot ended is released, but nobody's writes with it", notRoot()),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const image = await bed.image("one", [[file("f", "content")]]);
    const put = (id: string, changes: Partial<CompositionRecord>) => {
      store.compositions.put({
        id: id.repeat(12),
        state: "ready",
        image: image.digest,
        imageName: "one",
        tree: image.tree.digest,
        strategy: "overlay",
        target: bed.target(),
        madeTarget: true,
        result: "mount",
        access: "ro",
        isolation: "full",
        writable: [],
        created: new Date().toISOString(),
        bootId: "another",
        pid: 1,
        ...changes,
      });
    };
    put("a", {});
    put("b", { access: "rw", upper: { kind: "tmpfs", size: undefined } });
    put("c", { access: "rw" });
    put("d", { result: "directory" });
    put("e", { bootId: bootId() });
    assertEquals(findDead(store).stale.map(({ record }) => record.id[0]), ["c"]);
    const released = await releaseDead(store, await builtInPlugins());
    assertEquals(released.map(({ id }) => id[0]), ["a", "b"]);
    assertEquals(store.compositions.list().map(({ id }) => id[0]).sort(), ["c", "d", "e"]);
  },
});
