import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Store } from "../../src/store/mod.ts";
import { BUILT_IN, loadPlugins } from "../../src/strategy/loader.ts";
import { probe } from "../../src/strategy/probe.ts";
import { minimal, trustedFolder, writeFiles } from "../support/plugins.ts";
import { TempDir } from "../support/temp.ts";

/** A plugin whose strategy, or what is around it, is another. */
function altered(name: string, from: string, to: string): string {
  const source = minimal(name);
  assert(source.includes(from), from);
  return source.replace(from, to);
}

const PROBE = `({ works: false, reason: "it is a test's" })`;

/** What does not load: source by name, and what is said of it. */
const UNLOADABLE: Readonly<
  Record<string, readonly [source: (name: string) => string, says: string]>
> = {
  "throws-in-create": [
    (name) => altered(name, "() => strategy", `() => { throw new Error("no luck"); }`),
    "its create(host) failed: no luck",
  ],
  "makes-nothing": [
    (name) => altered(name, "() => strategy", "() => {}"),
    "its create(host) makes no strategy object",
  ],
  "has-no-release": [(name) => altered(name, ", release() {}", ""), "has no release()"],
  "has-no-traits": [(name) => altered(name, "{ traits, ", "{ "), "has no traits"],
  "has-odd-traits": [
    (name) => altered(name, `access: ["ro"]`, `access: ["ro", "execute"]`),
    `access is ["ro", "execute"]`,
  ],
  "has-odd-layers": [
    (name) => altered(name, "upper: false", "upper: false, maxLayers: NaN"),
    "maxLayers is NaN",
  ],
  "never-resolves": [(name) => `await new Promise(() => {});\n${minimal(name)}`, "within 5 s"],
  "loops-at-load": [(name) => `for (;;);\n${minimal(name)}`, "did not end within 5 s"],
  "loops-in-create": [
    (name) => altered(name, "() => strategy", "() => { for (;;); }"),
    "did not end within 5 s",
  ],
  "leaves-its-thread": [(name) => `Deno.exit(0);\n${minimal(name)}`, "did not end within 5 s"],
  "breaks-later": [
    (name) =>
      `setTimeout(() => { throw new Error("late"); });
await new Promise((done) => setTimeout(done, 50));\n${minimal(name)}`,
    "late",
  ],
};

Deno.test("plugin faults: what does not load is reported by name and file, and the others go on", async () => {
  using folder = trustedFolder();
  const names = Object.keys(UNLOADABLE);
  writeFiles(folder.path, { "good.ts": minimal("good") });
  for (const name of names) writeFiles(folder.path, { [`${name}.ts`]: UNLOADABLE[name][0](name) });
  const files = [...names, "good"].map((name) => `${folder.path}/${name}.ts`);
  const { loaded, failed } = await loadPlugins({ files, patience: 5000 });
  assertEquals(loaded.map(({ name }) => name), [...BUILT_IN, "good"]);
  assertEquals(failed.map(({ name }) => name), names.map((name) => `${name}.ts`));
  for (const { name, file, error } of failed) {
    assertStringIncludes(error.message, `loading plugin ${file}: `);
    assertStringIncludes(error.message, UNLOADABLE[name.replace(/\.ts$/, "")][1]);
    assertEquals(error.message.split("loading plugin").length, 2, error.message);
  }
});

const COST = "fixedMs: 1, msPerLayer: 0, usPerDirectory: 0, usPerFile: 0, usPerMiB: 0";

/** What a probe returns or does, and what is said of it. */
const PROBES: Readonly<Record<string, readonly [probe: string, says: string]>> = {
  "nothing": ["undefined", "it is undefined"],
  "a-promise-of-text": [`Promise.resolve("yes")`, `it is "yes"`],
  "no-reason": ["({ works: false })", "does not say why"],
  "no-cost": ["({ works: true })", "its cost is undefined"],
  "not-a-number": [
    `({ works: true, cost: { ${COST.replace("usPerFile: 0", "usPerFile: NaN")} } })`,
    "its cost has usPerFile NaN",
  ],
  "negative": [
    `({ works: true, cost: { ${COST.replace("fixedMs: 1", "fixedMs: -1")} } })`,
    "its cost has fixedMs -1",
  ],
  "endless": [
    `({ works: true, cost: { ${COST.replace("fixedMs: 1", "fixedMs: Infinity")} } })`,
    "its cost has fixedMs Infinity",
  ],
  "odd-notes": [`({ works: true, cost: { ${COST} }, notes: "fast" })`, "its notes are no texts"],
  "function": [`({ works: true, cost: { ${COST} }, notes: [() => {}] })`, "could not be cloned"],
  "throws": [`{ throw new Error("no luck"); }`, "its probe failed: no luck"],
  "loops": ["{ for (;;); }", "its probe took too long: it did not end within 5 s"],
};

Deno.test("plugin faults: a probe that is none is a strategy that does not work, with the reason", async () => {
  using folder = trustedFolder();
  using temp = new TempDir();
  const names = Object.keys(PROBES);
  for (const name of names) {
    const source = altered(name, PROBE, PROBES[name][0]);
    writeFiles(folder.path, { [`${name}.ts`]: source });
  }
  writeFiles(folder.path, {
    "works.ts": altered("works", PROBE, `({ works: true, cost: { ${COST} } })`),
  });
  const files = [...names, "works"].map((name) => `${folder.path}/${name}.ts`);
  const { loaded, failed } = await loadPlugins({ files });
  assertEquals(failed, []);
  const store = Store.open(`${temp.path}/store`, { create: true });
  const place = { target: temp.path, access: "ro", upper: undefined } as const;
  const outside = loaded.slice(BUILT_IN.length);
  const reports = await probe(store, place, outside, { patience: 5000 });
  for (const { name, verdict } of reports.slice(0, -1)) {
    assert(!verdict.works, name);
    assertStringIncludes(verdict.reason, PROBES[name][1]);
    assertEquals(verdict.hint, "Tell the author of the plugin.");
  }
  assert(reports.at(-1)!.verdict.works);
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
});
