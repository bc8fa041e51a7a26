import { assertEquals } from "@std/assert";
import type { CompositionRecord } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { clearBegun, endedFindings, findDead, releaseDead } from "../../src/strategy/dead.ts";
import { claim, sweep } from "../../src/strategy/lifecycle.ts";
import { bootId } from "../../src/strategy/memory.ts";
import { release } from "../../src/strategy/release.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins } from "./bed.ts";
import { killable } from "./killed_child.ts";

/** A bed with an image, and a way to put compositions of it on record. */
async function recording(path: string) {
  const bed = new Bed(path);
  const image = await bed.image("one", [[file("f", "content")]]);
  const put = (id: string, changes: Partial<CompositionRecord>) =>
    bed.store.compositions.put({
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
  return { bed, store: bed.store, put };
}

Deno.test({
  ...needs(
    "records that a power cut emptied are cleared, but nothing that is in use",
    cannotMount(),
  ),
  async fn() {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const { store } = bed;
    const image = await bed.image("one", [[file("f", "content")]]);
    const plugins = await builtInPlugins();
    const composed = await compose(store, image, bed.target(), { plugins, strategy: "overlay" });
    const record = store.compositions.get(composed.id)!;
    const emptied = (id: string) => {
      Deno.mkdirSync(`${store.compositions.workspace(id)}/upper`, { recursive: true });
      Deno.writeTextFileSync(`${store.compositions.workspace(id)}/record.json`, "");
    };
    const [locked, gone, written] = ["1", "2", "3"].map((digit) => digit.repeat(12));
    for (const id of [composed.id, locked, gone, written]) emptied(id);
    Deno.writeTextFileSync(`${store.compositions.workspace(written)}/upper/file`, "by its user");
    {
      using _locked = claim(store, locked);
      clearBegun(store);
      const left = [...Deno.readDirSync(store.layout.compositions)].map(({ name }) => name);
      assertEquals(left.sort(), [locked, written, composed.id].sort());
    }
    assertEquals(endedFindings(store).map(({ id }) => id), [written]);
    Deno.removeSync(store.compositions.workspace(written), { recursive: true });
    store.compositions.put(record);
    await release(store, composed.id, { plugins });
    clearBegun(store);
    assertEquals([...Deno.readDirSync(store.layout.compositions)], []);
  },
});

Deno.test({
  ...needs(
    "what a reboot or a dead process ended is released, but nobody's writes with it",
    notRoot(),
  ),
  async fn() {
    using temp = new TempDir();
    const { store, put } = await recording(temp.path);
    put("a", {});
    put("b", { access: "rw", upper: { kind: "tmpfs", size: undefined } });
    put("c", { access: "rw" });
    put("d", { result: "directory" });
    put("e", { bootId: bootId() });
    put("1", { state: "held", bootId: bootId() });
    put("2", { state: "making", result: "directory" });
    put("3", { state: "held" });
    {
      using _held = claim(store, "3".repeat(12));
      const stale = findDead(store).stale.map(({ record, state }) => [record.id[0], state]);
      assertEquals(stale, [["c", "dead"], ["e", "unmounted"]]);
      const ended = endedFindings(store).map(({ id, severity }) => [id[0], severity]);
      assertEquals(ended, ["a", "b", "1", "2", "c", "e"].map((id) => [id, "reclaimable"]));
      const released = await releaseDead(store, await builtInPlugins());
      assertEquals(released.map(({ id }) => id[0]), ["a", "b", "1", "2"]);
    }
    assertEquals(store.compositions.list().map(({ id }) => id[0]).sort(), ["3", "c", "d", "e"]);
    assertEquals(claim(store, "1".repeat(12)), undefined);
  },
});

Deno.test({
  ...needs("a composition that is finished between the list and its claim stays", notRoot()),
  async fn(t) {
    using temp = new TempDir();
    const { bed, store, put } = await recording(temp.path);
    const dead = { state: "making", strategy: "killable", result: "directory" } as const;
    const target = bed.target();
    Deno.mkdirSync(target);
    Deno.writeTextFileSync(`${target}/f`, "content");
    const slow = { target, created: "2100", bootId: bootId() };

    await t.step("for who looks for the dead", () => {
      put("b", { ...dead, ...slow });
      const listed = store.compositions.list();
      assertEquals(findDead(store, listed).dead.map(({ record }) => record.id[0]), ["b"]);
      put("b", { ...dead, ...slow, state: "ready" });
      assertEquals(findDead(store, listed), { dead: [], stale: [] });
    });

    await t.step("for who clears up after them", async () => {
      put("a", dead);
      put("b", { ...dead, ...slow });
      // Both are listed; the first one's release takes as long as another process needs to finish the second.
      const plugins = [killable((point) => {
        if (point === "release") put("b", { ...dead, ...slow, state: "ready" });
      })];
      await sweep(store, plugins);
      assertEquals(store.compositions.list().map(({ id, state }) => [id[0], state]), [[
        "b",
        "ready",
      ]]);
      assertEquals(Deno.readTextFileSync(`${target}/f`), "content");
    });
  },
});
