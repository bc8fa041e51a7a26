import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import { Memory } from "../../src/strategy/memory.ts";
import type { Host, Strategy, Verdict } from "../../src/strategy/plugin.ts";
import { LOADING, probe } from "../../src/strategy/probe.ts";
import { file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins } from "./bed.ts";
import { COST, DIRECTORY, inMemory } from "./in_memory.ts";

function plugin(
  name: string,
  ask: Strategy["probe"],
  more: Partial<Strategy> = {},
  create?: (host: Host) => Strategy,
): LoadedPlugin {
  const strategy: Strategy = {
    traits: DIRECTORY,
    probe: ask,
    compose: () => ({}),
    release: () => {},
    ...more,
  };
  return inMemory(name, create ?? (() => strategy));
}

function scene(): { store: Store; target: string } & Disposable {
  const temp = new TempDir();
  const store = Store.open(`${temp.path}/store`, { create: true });
  const target = `${temp.path}/target`;
  Deno.mkdirSync(target);
  return { store, target, [Symbol.dispose]: () => temp[Symbol.dispose]() };
}

Deno.test("probe: what works is remembered until the next boot, what does not is asked again", async () => {
  using at = scene();
  let asked = 0;
  const good = plugin("good", () => (asked++, { works: true, cost: COST }));
  const bad = plugin("bad", () => (asked++, { works: false, reason: "not today" }));
  const place = { target: at.target, access: "rw", upper: undefined } as const;
  const first = await probe(at.store, place, [good, bad]);
  assertEquals([asked, first.map((report) => report.remembered)], [2, [false, false]]);
  const second = await probe(at.store, place, [good, bad]);
  assertEquals([asked, second.map((report) => report.remembered)], [3, [true, false]]);
  assertEquals(second.map((report) => report.verdict), first.map((report) => report.verdict));
  await probe(at.store, place, [good], { fresh: true });
  assertEquals(asked, 4);
  // Another version, another kind of access, another upper directory: another question.
  await probe(at.store, place, [{ ...good, version: "2" }]);
  await probe(at.store, { ...place, access: "ro" }, [good]);
  assertEquals(asked, 6);
});

Deno.test("probe: strategies have scratch directories of their own, and nothing of them stays", async () => {
  using at = scene();
  const seen: string[] = [];
  const look = (host: Host, name: string) =>
    plugin(name, (site) => {
      for (const path of [site.store, site.target, site.upper]) {
        assertEquals([...Deno.readDirSync(path)], []);
        host.fs.mkdir(`${path}/left`);
        host.fs.write(`${path}/left/file`, new Uint8Array(3));
        seen.push(path);
      }
      assert(site.target.startsWith(at.target));
      assertEquals(site.sameFilesystem, true);
      return { works: true, cost: COST };
    });
  let host: Host | undefined;
  await probe(at.store, { target: at.target, access: "rw", upper: undefined }, [
    plugin("spy", () => ({ works: false, reason: "" }), {}, (given) => {
      host = given;
      throw new Error("seen enough");
    }),
  ]);
  const place = { target: at.target, access: "rw", upper: undefined } as const;
  await probe(at.store, place, [look(host!, "one"), look(host!, "two")]);
  assertEquals(new Set(seen).size, 6);
  assertEquals([...Deno.readDirSync(at.target)], []);
  assertEquals([...Deno.readDirSync(at.store.layout.tmp)], []);
});

const BROKEN: readonly [name: string, plugin: LoadedPlugin, says: string][] = [
  [
    "throws",
    plugin("x", () => {
      throw new Error("at once");
    }),
    "its probe failed: at once",
  ],
  ["rejects", plugin("x", () => Promise.reject(new Error("later"))), "its probe failed: later"],
  ["hangs", plugin("x", () => new Promise<Verdict>(() => {})), "did not end within 0.05 s"],
  ["says nothing", plugin("x", () => undefined as unknown as Verdict), "gave no verdict"],
  [
    "says nonsense",
    plugin("x", () => ({ works: true, cost: { ...COST, usPerFile: NaN } })),
    "gave no verdict",
  ],
  [
    "makes no strategy",
    plugin("x", () => ({ works: true, cost: COST }), {}, () => {
      throw new Error("none");
    }),
    "its create(host) failed: none",
  ],
];

for (const [name, broken, says] of BROKEN) {
  Deno.test(`probe: a plugin that ${name} does not work, and the others go on`, async () => {
    using at = scene();
    const good = plugin("good", () => ({ works: true, cost: COST }));
    const place = { target: at.target, access: "rw", upper: undefined } as const;
    const reports = await probe(at.store, place, [broken, good], { patience: 50 });
    assertEquals(reports.map((report) => report.verdict.works), [false, true]);
    const [{ verdict }] = reports;
    assert(!verdict.works);
    assertStringIncludes(verdict.reason, says);
  });
}

Deno.test("probe: the built-in strategies give whole verdicts, and say what is in the way without scratch names", async () => {
  using at = scene();
  const place = { target: at.target, access: "rw", upper: undefined } as const;
  for (const { name, verdict } of await probe(at.store, place, await builtInPlugins())) {
    if (verdict.works) assert(verdict.cost.fixedMs + verdict.cost.usPerFile > 0, name);
    else assertEquals([name, verdict.reason.includes(at.store.root)], [name, false]);
  }
});

Deno.test("memory: verdicts end with the boot, corrections do not, and damage is forgotten", () => {
  using temp = new TempDir();
  const only = () => new Memory(temp.path);
  only().rememberVerdicts(new Map([["key", { works: true, cost: COST }]]));
  only().rememberTime(["pair"], 20, 10);
  assertEquals(only().verdict("key"), { works: true, cost: COST });
  assertEquals(only().correction("pair"), 1);
  // The median of twice 1 and the last seven, none of them beyond the bounds.
  only().rememberTime(["pair"], 10, 10);
  assertEquals(only().correction("pair"), 1);
  for (const took of [17, 17, 1700, 17, 17, 17]) only().rememberTime(["pair"], took, 10);
  assertEquals(only().correction("pair"), 1.7);
  for (let n = 0; n < 3; n++) {
    only().rememberTime(["slow"], 1_000_000, 1);
    only().rememberTime(["fast"], 1, 1_000_000);
  }
  only().rememberTime(["none"], 5, 0);
  assertEquals(["slow", "fast", "none", "unknown"].map((key) => only().correction(key)), [
    100,
    0.01,
    1,
    1,
  ]);
  const [{ name }] = [...Deno.readDirSync(temp.path)];
  const path = `${temp.path}/${name}`;
  const saved = Deno.readTextFileSync(path);
  Deno.writeTextFileSync(path, saved.replace(/"system":"[^"]*"/, '"system":"another boot"'));
  assertEquals([only().verdict("key"), only().correction("pair")], [undefined, 1.7]);
  for (const damage of ["", "{", "[]", "null", '{"system":1}', saved.slice(0, -5)]) {
    Deno.writeTextFileSync(path, damage);
    assertEquals([only().verdict("key"), only().correction("pair")], [undefined, 1]);
  }
  // Of an older form, only what is of this one.
  Deno.writeTextFileSync(path, saved.replace(/"pair":\[[^\]]*\]/, '"pair":1.7'));
  assertEquals([only().correction("pair"), only().correction("slow")], [1, 100]);
});

Deno.test("memory: corrections of few keys, those that were used last", () => {
  using temp = new TempDir();
  const only = () => new Memory(temp.path);
  const keys = Array.from({ length: 600 }, (_, i) => `key ${i}`);
  for (const some of [keys.slice(0, 400), keys.slice(400)]) {
    for (let n = 0; n < 3; n++) only().rememberTime(some, 20, 10);
    for (let n = 0; n < 3; n++) only().rememberTime(["always"], 30, 10);
  }
  assertEquals(
    ["key 0", "key 88", "key 89", "key 599", "always"].map((key) => only().correction(key)),
    [
      1,
      1,
      2,
      2,
      3,
    ],
  );
});

Deno.test("memory: what is known of the very image counts, with what is known of others like it", () => {
  using temp = new TempDir();
  const only = () => new Memory(temp.path);
  only().rememberTime(["image a", "class"], 20, 10);
  only().rememberTime(["image b", "class"], 40, 10);
  const asked = [["image a", "class"], ["image c", "class"], ["image c", "class 2"], []];
  assertEquals(asked.map((keys) => only().correction(...keys)), [1.5, 1.5, 1, 1]);
  only().rememberTime(["image a"], 60, 10);
  only().rememberTime(["image a"], 60, 10);
  assertEquals(asked.map((keys) => only().correction(...keys)), [2, 1.5, 1, 1]);
});

Deno.test("a composition corrects its strategy's estimate; one that fails makes its verdict forgotten", async () => {
  using temp = new TempDir();
  const bed = new Bed(temp.path);
  const image = await bed.image("small", [[file("f", "x")]]);
  let fails = false;
  let asked = 0;
  const plugins = [
    plugin("slow", () => (asked++, { works: true, cost: { ...COST, fixedMs: 20 } }), {
      compose: async () => {
        if (fails) throw new Error("it does not work any more");
        await new Promise((resolve) => setTimeout(resolve, 60));
        return {};
      },
    }),
  ];
  const first = await compose(bed.store, image, bed.target(), { plugins });
  assertEquals(first.estimateMs.toFixed(1), (20 + LOADING.other).toFixed(1));
  for (let n = 0; n < 2; n++) await compose(bed.store, image, bed.target(), { plugins });
  const second = await compose(bed.store, image, bed.target(), { plugins });
  assert(second.estimateMs > 35, `${second.estimateMs} ms expected`);
  assertNotEquals(first.id, second.id);
  assertEquals(asked, 1);
  fails = true;
  await assertRejects(() => compose(bed.store, image, bed.target(), { plugins }));
  fails = false;
  await compose(bed.store, image, bed.target(), { plugins });
  assertEquals(asked, 2);
});
