import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import { TemporaryStore } from "../../src/strategy/bench/generated.ts";
import { bytesOf, type Recipe } from "../../src/strategy/bench/recipe.ts";
import { benchmark, type BenchOptions } from "../../src/strategy/bench/run.ts";
import { compose } from "../../src/strategy/compose.ts";
import { readMounts } from "../../src/linux/mod.ts";
import { loadPlugins } from "../../src/strategy/loader.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { isRoot, needs } from "../support/root.ts";
import { directory, file, symlink } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins } from "./bed.ts";

const MAIN = fromFileUrl(new URL("../../src/cli/main.ts", import.meta.url));
const PROGRAM = [Deno.execPath(), "run", "-A", "--no-check", MAIN];

async function tiny(bed: Bed) {
  const image = await bed.image("tiny", [
    [directory("etc"), file("etc/motd", "hello"), symlink("motd", "etc/motd")],
    [file("usr", "x".repeat(20_000))],
  ]);
  return { name: "tiny", image, generated: false };
}

async function options(bed: Bed, more: Partial<BenchOptions> = {}): Promise<BenchOptions> {
  return {
    plugins: await builtInPlugins(),
    images: [await tiny(bed)],
    places: [bed.targets],
    form: { access: "rw", isolation: "full", writable: [] },
    pace: { rounds: 2, budget: 0 },
    atOnce: [],
    cold: false,
    program: PROGRAM,
    command: ["lamina", "bench"],
    notes: [],
    ...more,
  };
}

/** What a benchmark must not leave: records, directories, mounts. */
function left(bed: Bed) {
  return {
    ...bed.leftovers(),
    mounts: readMounts().filter(({ path }) => path.startsWith(bed.targets)),
  };
}
const NOTHING = { records: [], directories: [], mounts: [] };

/** Copies a file's content by a way of its own. */
const OUTSIDE = `export default {
  apiVersion: 1, name: "outside", summary: "a test", version: "7",
  create: (host) => ({
    traits: { result: "directory", access: ["ro", "rw"], isolation: "full", survivesReboot: true,
      privilege: "none", integrity: false, upper: false },
    probe: () => ({ works: true,
      cost: { fixedMs: 1, msPerLayer: 0, usPerDirectory: 1, usPerFile: 1, usPerMiB: 1 } }),
    place: (file) => file.copy(),
    compose: (job) => host.materialize(job),
    release: ({ target }) => host.removeContents(target),
  }),
};`;

/** A plugin that works until it has to compose. */
const FAILS = OUTSIDE.replace('"outside"', '"fails"').replace(
  "host.materialize(job)",
  '{ throw new Error("not today"); }',
);

/** A folder that root trusts: the system's temporary one is everybody's. */
function pluginFolder(): { path: string } & Disposable {
  const home = isRoot ? "/root" : Deno.env.get("HOME") ?? ".";
  const path = Deno.makeTempDirSync({ dir: home, prefix: ".lamina-bench-test-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** What works on XFS for root, and one that does not. */
const TAKE_PART = new Set(
  ["overlay", "composefs", "reflink", "hardlink", "copy", "outside", "fails"],
);

Deno.test({
  ...needs(
    "bench: all strategies and outside ones, complete, and nothing is left",
    available("xfs"),
  ),
  async fn() {
    await using fs = await LoopFs.make("xfs");
    using folder = pluginFolder();
    for (const [name, source] of [["outside.js", OUTSIDE], ["fails.js", FAILS]]) {
      Deno.writeTextFileSync(`${folder.path}/${name}`, source);
    }
    const files = ["outside.js", "fails.js"].map((name) => `${folder.path}/${name}`);
    const loaded = (await loadPlugins({ files })).loaded.filter(({ name }) => TAKE_PART.has(name));
    assertEquals(loaded.length, TAKE_PART.size);
    const bed = new Bed(fs.path);
    const report = await benchmark(
      bed.store,
      await options(bed, { plugins: loaded }),
    );
    assertEquals(left(bed), NOTHING);
    assertEquals(report.places.map(({ filesystem, withStore }) => [filesystem, withStore]), [
      ["xfs", true],
    ]);
    assert(report.startup!.median > 0);
    assertEquals(
      report.results.map(({ strategy }) => strategy).sort(),
      loaded.map(({ name }) => name).sort(),
    );
    for (const result of report.results) {
      const { strategy, samples, estimate, total, parts, form } = result;
      if (strategy === "fails") {
        assertStringIncludes(result.reason!, "not today");
        assertEquals(samples, []);
        continue;
      }
      assertEquals(result.reason, undefined, strategy);
      assertEquals(form.isolation, strategy === "hardlink" ? "shared" : "full");
      assertEquals(
        samples.map(({ round, state }) => `${round} ${state}`),
        ["0 first", "0 again", "1 first", "1 again"],
      );
      for (const { timings, total } of samples) {
        const sum = Object.values(timings).reduce((a, b) => a + b);
        // What is between asking and the first line of composing belongs to no part.
        assert(sum <= total + 0.1, `${strategy}: ${sum} of ${total}`);
      }
      assertEquals(total.first!.n, 2);
      assertEquals(total.cold, undefined);
      assert(parts!.work > 0 && parts!.record > 0);
      assertEquals(estimate!.expected, estimate!.model * estimate!.correction);
      const took = samples.filter(({ state }) => state === "first")
        .map(({ timings }) => timings.tree + timings.work);
      const off = (estimate!.expected / ((took[0] + took[1]) / 2) - 1) * 100;
      assert(Math.abs(off - estimate!.errorPercent!) < 1e-6);
      assertEquals(result.atOnce, []);
    }
    const times = report.results.filter(({ reason }) => reason === undefined)
      .map(({ total }) => total.first!.median);
    assertEquals(times, times.toSorted((a, b) => a - b));
    assertEquals(report.results.find(({ strategy }) => strategy === "outside")!.version, "7");
    assertEquals(
      report.judgements.map(({ form, makes }) => `${form.isolation} ${makes}`),
      ["full any", "full directory", "shared any", "shared directory"],
    );
    for (const { chosen, fastest, behindPercent } of report.judgements) {
      assertEquals(behindPercent === 0, chosen === fastest);
    }
  },
});

Deno.test("bench: what does not work is listed with its reason; many at once for what does", async () => {
  using temp = new TempDir("/dev/shm");
  const bed = new Bed(temp.path);
  const only = ["reflink", "hardlink"];
  const plugins = (await builtInPlugins()).filter(({ name }) => only.includes(name));
  const report = await benchmark(
    bed.store,
    await options(bed, { plugins, atOnce: [1, 3], pace: { rounds: 1, budget: 0 } }),
  );
  const hardlink = report.results.find(({ strategy }) => strategy === "hardlink")!;
  assertEquals(hardlink.atOnce.map(({ count, samples }) => [count, samples.length]), [[1, 1], [
    3,
    1,
  ]]);
  const [{ each }, { latency }] = hardlink.atOnce;
  assert(each!.median > 0);
  assertEquals(latency!.n, 3);
  const reflink = report.results.find(({ strategy }) => strategy === "reflink")!;
  assertStringIncludes(reflink.reason!, "FICLONE");
  assertEquals([reflink.samples, reflink.total, reflink.parts], [[], {}, undefined]);
  assertEquals(reflink.atOnce, []);
  // One alone is no choice.
  assertEquals(report.judgements, []);
  assertEquals(left(bed), NOTHING);
});

Deno.test("bench: stopped half-way, nothing is left", async () => {
  using temp = new TempDir("/dev/shm");
  const bed = new Bed(temp.path);
  const stop = new AbortController();
  const all = await options(bed, {
    pace: { rounds: 50, budget: 0 },
    signal: stop.signal,
    onTurn: (turns) => turns === 2 && setTimeout(() => stop.abort(new Error("enough")), 50),
  });
  await assertRejects(() => benchmark(bed.store, all), Error, "enough");
  assertEquals(left(bed), NOTHING);
});

Deno.test("bench: clears up after one that was killed", async () => {
  using temp = new TempDir("/dev/shm");
  const bed = new Bed(temp.path);
  const plugins = (await builtInPlugins()).filter(({ name }) => name === "copy");
  const all = await options(bed, { plugins, pace: { rounds: 1, budget: 0 } });
  // The directory that it composed in has a name that only depends on the store.
  let place = "";
  await benchmark(bed.store, {
    ...all,
    onTurn: () => place = [...Deno.readDirSync(bed.targets)][0].name,
  });
  const killed = `${bed.targets}/${place.replace(/[^-]*$/, "killed")}`;
  Deno.mkdirSync(killed);
  await compose(bed.store, all.images[0].image, `${killed}/0`, { plugins, strategy: "copy" });
  // Another store's is none of its business.
  const other = `${bed.targets}/.lamina-bench-00000000-other`;
  Deno.mkdirSync(other);
  await benchmark(bed.store, all);
  assertEquals(left(bed), { ...NOTHING, directories: [other] });
});

Deno.test("bench: generated images, in a store that goes again", async () => {
  using temp = new TempDir("/dev/shm");
  // Name, directories with the root, entries that are no directories: a link in each directory that has files.
  const cases: [Recipe, string, number, number][] = [
    [{ kind: "mixed", files: 100, layers: 3 }, "generated-100-3-layers", 10 + 3, 110],
    [{ kind: "wide", files: 40, layers: 5 }, "generated-40-wide", 1 + 3, 41],
    // A whole chain, and one of eight.
    [{ kind: "deep", files: 40, layers: 2 }, "generated-40-deep-2-layers", 40 + 3, 80],
    [{ kind: "small", files: 60, layers: 12 }, "generated-60-small-12-layers", 6 + 3, 66],
  ];
  {
    using made = await TemporaryStore.make(temp.path, cases.map(([recipe]) => recipe));
    for (const [n, [recipe, name, directories, files]] of cases.entries()) {
      const { name: called, image, generated } = made.images[n];
      const { layers, tree } = image;
      assertEquals([called, generated, layers.length], [name, true, recipe.layers]);
      assertEquals([tree.directories, tree.files, tree.bytes], [
        directories,
        files,
        bytesOf(recipe),
      ]);
    }
    assertEquals(made.store.images.list().length, cases.length);
    // A recipe says all: made elsewhere, it is the same image.
    using other = new TempDir("/dev/shm");
    using again = await TemporaryStore.make(other.path, [cases[2][0]]);
    assertEquals(again.images[0].image.digest, made.images[2].image.digest);
  }
  assertEquals([...Deno.readDirSync(temp.path)], []);
  const large: Recipe = { kind: "large", files: 1_000_000, layers: 1 };
  await assertRejects(() => TemporaryStore.make(temp.path, [large]), LaminaError, "GB of");
  assertEquals([...Deno.readDirSync(temp.path)], []);
});
