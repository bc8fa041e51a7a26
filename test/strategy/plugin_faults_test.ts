import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { BUILT_IN, loadPlugins } from "../../src/strategy/loader.ts";
import { createHost } from "../../src/strategy/host.ts";
import { makeStrategy, verdictFault } from "../../src/strategy/loading/shape.ts";
import type { Plugin, Traits } from "../../src/strategy/plugin.ts";
import { probe } from "../../src/strategy/probe.ts";
import { release, releaseAll } from "../../src/strategy/release.ts";
import { minimal, trustedFolder, writeFiles } from "../support/plugins.ts";
import { file } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, NOTHING } from "./bed.ts";
import { COST } from "./in_memory.ts";

/** A plugin whose strategy, or what is around it, is another. */
function altered(name: string, from: string, to: string): string {
  const source = minimal(name);
  assert(source.includes(from), from);
  return source.replace(from, to);
}

/** What one thing in a plugin becomes, and what is said of it. */
type Faults = Readonly<Record<string, readonly [from: string, to: string, says: string]>>;

const CREATE = "() => strategy";
const FIRST = "const traits";

const UNLOADABLE: Faults = {
  "throws-in-create": [
    CREATE,
    `() => { throw new Error("no luck"); }`,
    "its create(host) failed: no luck",
  ],
  "has-odd-traits": [`["ro"]`, `["ro", "execute"]`, `access is ["ro", "execute"]`],
  "throws-nothing-at-all": [FIRST, `throw null;\n${FIRST}`, "it threw null, which is no Error"],
  "rejects": [FIRST, `Promise.reject(new Error("unheard"));\n${FIRST}`, "unheard"],
  "exits": [FIRST, `Deno.exit(0);\n${FIRST}`, "it called Deno.exit()"],
  "exits-as-node": [FIRST, `import { exit } from "node:process";\nexit(0);\n${FIRST}`, "exit"],
  "breaks-later": [
    FIRST,
    `setTimeout(() => { throw new Error("late"); });
await new Promise(() => {});
${FIRST}`,
    "late",
  ],
};

const ENDLESS: Faults = {
  "never-resolves": [FIRST, `await new Promise(() => {});\n${FIRST}`, "did not end within"],
  "loops-at-load": [FIRST, `for (;;);\n${FIRST}`, "did not end within"],
};

Deno.test("plugin faults: what does not load is reported by name and file, and the others go on", async () => {
  using folder = trustedFolder();
  const faults = { ...UNLOADABLE, ...ENDLESS };
  for (const [name, [from, to]] of Object.entries(faults)) {
    writeFiles(folder.path, { [`${name}.ts`]: altered(name, from, to) });
  }
  writeFiles(folder.path, { "good.ts": minimal("good") });
  const at = (name: string) => `${folder.path}/${name}.ts`;
  const { loaded, failed } = await loadPlugins({
    files: [...Object.keys(UNLOADABLE), "good"].map(at),
  });
  assertEquals(loaded.map(({ name }) => name), [...BUILT_IN, "good"]);
  const endless = await loadPlugins({ files: Object.keys(ENDLESS).map(at), patience: 1000 });
  const all = [...failed, ...endless.failed];
  assertEquals(all.map(({ name }) => name), Object.keys(faults).map((name) => `${name}.ts`));
  for (const { name, file, error } of all) {
    assertStringIncludes(error.message, `loading plugin ${file}: `);
    assertStringIncludes(error.message, faults[name.replace(/\.ts$/, "")][2]);
    assertEquals(error.message.split("loading plugin").length, 2, error.message);
  }
});

Deno.test("plugin faults: what is no strategy", () => {
  const traits: Traits = {
    result: "directory",
    access: ["ro"],
    isolation: "full",
    survivesReboot: true,
    privilege: "none",
    integrity: false,
    upper: false,
  };
  const whole = { traits, probe() {}, compose() {}, release() {} };
  const faults: readonly [strategy: unknown, says: string][] = [
    [undefined, "its create(host) makes no strategy object"],
    [{ ...whole, release: undefined }, "its strategy has no release()"],
    [{ ...whole, place: "here" }, "its strategy's place is no function"],
    [{ ...whole, traits: undefined }, "its strategy has no traits"],
    [{ ...whole, traits: { ...traits, access: [] } }, "its traits are wrong: access is []"],
    [{ ...whole, traits: { ...traits, upper: 1 } }, "its traits are wrong: upper is 1"],
    [{ ...whole, traits: { ...traits, maxLayers: NaN } }, "its traits are wrong: maxLayers is NaN"],
    [{ ...whole, traits: { ...traits, keeps: "../x" } }, `its traits are wrong: keeps is "../x"`],
  ];
  const make = (create: () => unknown) =>
    makeStrategy(
      { apiVersion: 1, name: "x", summary: "", create } as unknown as Plugin,
      createHost(),
    );
  for (const [strategy, says] of faults) {
    assertThrows(() => make(() => strategy), LaminaError, says);
  }
  const throwing = () => {
    throw "luck";
  };
  const says = `its create(host) failed: it threw "luck", which is no Error`;
  assertThrows(() => make(throwing), LaminaError, says);
  assertEquals(make(() => whole).traits, traits);
});

Deno.test("plugin faults: what is no verdict", () => {
  const faults: readonly [verdict: unknown, says: string | undefined][] = [
    [undefined, "it is undefined"],
    ["yes", `it is "yes"`],
    [{}, "it does not say whether it works"],
    [{ works: false }, "it does not say why it does not work"],
    [{ works: false, reason: "here", hint: 7 }, "its hint is no text"],
    [{ works: true }, "its cost is undefined"],
    [{ works: true, cost: { ...COST, usPerFile: NaN } }, "its cost has usPerFile NaN"],
    [{ works: true, cost: { ...COST, fixedMs: -1 } }, "its cost has fixedMs -1"],
    [{ works: true, cost: { ...COST, fixedMs: Infinity } }, "its cost has fixedMs Infinity"],
    [{ works: true, cost: { ...COST, msPerLayer: "1" } }, `its cost has msPerLayer "1"`],
    [{ works: true, cost: COST, keepCost: {} }, "its keepCost has fixedMs undefined"],
    [{ works: true, cost: COST, notes: "fast" }, "its notes are no texts"],
    [{ works: true, cost: COST, notes: ["fast"] }, undefined],
    [{ works: false, reason: "here", hint: "Go elsewhere." }, undefined],
  ];
  for (const [verdict, says] of faults) assertEquals(verdictFault(verdict), says);
});

const PROBE = `({ works: false, reason: "tests need none" })`;
const WORKS = `({ works: true, cost: ${JSON.stringify(COST)} })`;

/** Where the probe itself goes wrong: what it is, and what is said of it. */
const PROBES: Readonly<Record<string, readonly [probe: string, says: string]>> = {
  "odd": [WORKS.replace(":1,", ":NaN,"), "its probe gave no verdict: its cost has fixedMs NaN"],
  "function": [WORKS.replace("})", ", notes: [() => {}] })"), "could not be cloned"],
  "throws-text": [`{ throw "luck"; }`, `its probe failed: it threw "luck", which is no Error`],
};

Deno.test("plugin faults: a probe that is none is a strategy that does not work, with the reason", async () => {
  using folder = trustedFolder();
  using temp = new TempDir();
  const probes = { ...PROBES, loops: ["{ for (;;); }", "its probe took too long"], works: [WORKS] };
  for (const [name, [text]] of Object.entries(probes)) {
    writeFiles(folder.path, { [`${name}.ts`]: altered(name, PROBE, text) });
  }
  const files = Object.keys(probes).map((name) => `${folder.path}/${name}.ts`);
  const { loaded, failed } = await loadPlugins({ files });
  assertEquals(failed, []);
  const store = Store.open(`${temp.path}/store`, { create: true });
  const place = { target: temp.path, access: "ro", upper: undefined } as const;
  const plugin = (name: string) => loaded.find((one) => one.name === name)!;
  const reports = [
    ...await probe(store, place, [...Object.keys(PROBES), "works"].map(plugin)),
    ...await probe(store, place, [plugin("loops")], { patience: 1000 }),
  ];
  for (const { name, verdict } of reports) {
    assertEquals(verdict.works, name === "works", name);
    if (verdict.works) continue;
    assertStringIncludes(verdict.reason, probes[name as keyof typeof probes][1]);
    assertEquals(verdict.hint, "Tell the author of the plugin.");
  }
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
});

Deno.test("plugin faults: what compose and release throw or return is said with the plugin's file, and nothing stays", async () => {
  using folder = trustedFolder();
  using temp = new TempDir();
  const bed = new Bed(temp.path);
  const image = await bed.image("small", [[file("f", "x")]]);
  // What it does is in a file, so that it can be another in every composition.
  writeFiles(folder.path, {
    "fickle.ts": minimal("fickle").replace(PROBE, WORKS)
      .replace("compose() {}", "compose: () => act('compose')")
      .replace("release() {}", "release: () => act('release')") +
      `const act = (name) => {
  const what = JSON.parse(Deno.readTextFileSync(import.meta.dirname + "/acts"))[name];
  if (what === "throw null") throw null;
  if (what === "throw text") throw "luck";
  return what === "NaN" ? { notes: { files: NaN } } : what;
};\n`,
  });
  const act = (compose: unknown, release: unknown) =>
    Deno.writeTextFileSync(`${folder.path}/acts`, JSON.stringify({ compose, release }));
  const main = `${folder.path}/fickle.ts`;
  const { loaded: plugins } = await loadPlugins({ files: [main] });
  const options = { plugins, strategy: "fickle", access: "ro" } as const;

  const wrong = "its compose() returned no object with notes, text or numbers";
  const faults: readonly [compose: unknown, says: string][] = [
    ["throw null", "it threw null, which is no Error"],
    ["throw text", `it threw "luck", which is no Error`],
    [undefined, wrong],
    [null, wrong],
    ["done", wrong],
    ["NaN", wrong],
    [{ notes: { files: {} } }, wrong],
  ];
  for (const [compose_, says] of faults) {
    act(compose_, {});
    const target = bed.target();
    const error = await assertRejects(() => compose(bed.store, image, target, options), Error);
    assertEquals(error.message, `composing at ${target} by fickle of ${main}: ${says}`);
    assertEquals(bed.leftovers(), NOTHING);
  }

  act({}, {});
  const target = bed.target();
  const { id } = await compose(bed.store, image, target, options);
  await compose(bed.store, image, bed.target(), { ...options, strategy: "copy", access: "rw" });
  act({}, "throw null");
  const says = `releasing ${target} by fickle of ${main}: it threw null, which is no Error`;
  const error = await assertRejects(() => release(bed.store, id, { plugins }), Error);
  assertEquals(error.message, says);
  const { released, failed } = await releaseAll(bed.store, { plugins });
  assertEquals(released.map(({ strategy }) => strategy), ["copy"]);
  assertEquals(failed.map(({ error }) => (error as Error).message), [says]);
  act({}, {});
  await release(bed.store, id, { plugins });
  assertEquals(bed.leftovers(), NOTHING);
});
