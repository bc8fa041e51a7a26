import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { findSubjects } from "../../src/cli/bench_subjects.ts";
import type { Context } from "../../src/cli/context.ts";
import { benchmarkPage } from "../../src/cli/page/benchmark.ts";
import { asked, benchmarkText, judgement } from "../../src/cli/terminal/benchmark.ts";
import { bar } from "../../src/cli/terminal/bars.ts";
import { SILENT } from "../../src/cli/terminal/silent.ts";
import { makeScreen } from "../../src/cli/terminal/screen.ts";
import { Store } from "../../src/store/mod.ts";
import type { Report } from "../../src/strategy/bench/shape.ts";
import { width } from "../../src/cli/terminal/text.ts";
import { report } from "./bench_report.ts";
import { TempDir } from "../support/temp.ts";

const MAIN = fromFileUrl(new URL("../../src/cli/main.ts", import.meta.url));

async function lamina(store: string, ...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", MAIN, "--root", store, ...args],
    env: { NO_COLOR: "1", LAMINA_PLUGINS: "" },
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

Deno.test("bench: with an image that it makes, in two places; one document, a page and a text of the same", async () => {
  using temp = new TempDir("/dev/shm");
  const places = ["one", "two"].map((name) => `${temp.path}/${name}`);
  places.forEach((place) => Deno.mkdirSync(place));
  const page = `${temp.path}/page.html`;
  const { code, out, err } = await lamina(
    `${temp.path}/store`,
    ...["bench", "--generate", "40,deep,layers=3", "--on", places[0], "--on", places[1]],
    ...["--strategy", "copy", "--strategy", "hardlink", "--rounds", "1", "--json", "--html", page],
  );
  assertEquals([code, err], [0, ""]);
  const report: Report = JSON.parse(out);
  assertEquals(report.images.map(({ name, generated }) => [name, generated]), [
    ["generated-40-deep-3-layers", true],
  ]);
  // Each has a store of its own: without, hardlink would not work in the second one.
  assertEquals(report.places.map(({ path, withStore }) => [path, withStore]), [
    [places[0], true],
    [places[1], true],
  ]);
  assertEquals(
    report.results.map(({ place, strategy, reason }) => [place, strategy, reason]).sort(),
    places.flatMap((place) => [[place, "copy", undefined], [place, "hardlink", undefined]]),
  );
  assertEquals(Deno.readTextFileSync(page), benchmarkPage(report, undefined));
  // No store was made, and none is left.
  assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name).sort(), [
    "one",
    "page.html",
    "two",
  ]);
  assertEquals(places.flatMap((place) => [...Deno.readDirSync(place)]), []);

  const screen = makeScreen({
    terminal: false,
    columns: Infinity,
    rows: 0,
    unicode: true,
    color: false,
  });
  const text = benchmarkText(report, screen);
  for (const image of report.images) assertStringIncludes(text, image.name);
  for (const one of report.judgements) assertStringIncludes(text, judgement(one));
  assertStringIncludes(text, asked(report.results[0].form));
});

Deno.test("bench: a store without images", async () => {
  using temp = new TempDir("/dev/shm");
  const store = Store.open(`${temp.path}/store`, { create: true });
  const context = {
    store: () => Promise.resolve(store),
    progress: () => Promise.resolve(SILENT),
    signal: new AbortController().signal,
  } as Partial<Context> as Context;
  {
    using found = await findSubjects(context, { names: [], recipes: [], places: [] });
    assertEquals(found.all.map(({ places }) => places), [[temp.path]]);
    assertEquals(found.all[0].images.map(({ name }) => name), ["generated-500", "generated-5000"]);
    assertEquals(found.notes, [
      `the store ${store.root} has no images: measured with generated ones`,
    ]);
  }
  assertEquals([...Deno.readDirSync(temp.path)].map(({ name }) => name), ["store"]);
});

Deno.test("bench: wrong lines", async () => {
  using temp = new TempDir("/dev/shm");
  const cases: [string[], number, string][] = [
    [["--rounds", "0"], 2, "--rounds: `0` will not do"],
    [["image", "--generate", "5"], 2, "--generate makes the images"],
    [["--at-once", "1,x"], 2, "--at-once: `1,x` will not do"],
    [["--strategy", "nobody"], 3, "there is none named nobody"],
    [["--on", "/nowhere"], 3, "/nowhere"],
    [["--html", "/nowhere/page.html"], 3, "writing in /nowhere"],
    [["--html", "/tmp"], 2, "it is a directory"],
    [["--against", "/nowhere"], 3, "/nowhere"],
    [["image"], 3, "opening the store"],
  ];
  for (const [args, code, says] of cases) {
    const run = await lamina(`${temp.path}/store`, "bench", ...args);
    assertEquals([run.code, run.out], [code, ""], args.join(" "));
    assertStringIncludes(run.err, says);
  }
});

Deno.test("bench: the text fits into 80 columns and into 120", () => {
  for (const columns of [80, 120]) {
    const plain = { terminal: true, columns, rows: 24, unicode: true, color: false };
    const text = benchmarkText(report(10), makeScreen(plain));
    const widest = Math.max(...text.split("\n").map(width));
    assert(widest <= columns && widest > columns - 10, `${widest} of ${columns}`);
    assertEquals(text.includes("MAKES"), columns === 120);
    assert(!text.includes("\u001b"));
    // The same with colours, apart from them.
    const coloured = benchmarkText(report(10), makeScreen({ ...plain, color: true }));
    // deno-lint-ignore no-control-regex
    assertEquals(coloured.replace(/\u001b\[\d+m/g, ""), text);
  }
});

Deno.test("bars: by eighths where the screen can, and never nothing", () => {
  const screen = (unicode: boolean) =>
    makeScreen({ terminal: true, columns: 80, rows: 24, unicode, color: false });
  const cases: [number, boolean, string][] = [
    [1, true, "████"],
    [0.5, true, "██"],
    [0.53, true, "██▏"],
    [0, true, "▏"],
    [7, true, "████"],
    [1, false, "####"],
    [0.01, false, "#"],
  ];
  for (const [share, unicode, expected] of cases) {
    assertEquals(bar(share, 4, screen(unicode)), expected, `${share}`);
  }
});
