import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { benchmarkPage } from "../../src/cli/page/benchmark.ts";
import { asked, benchmarkText, judgement } from "../../src/cli/terminal/benchmark.ts";
import { bar } from "../../src/cli/terminal/bars.ts";
import { makeScreen } from "../../src/cli/terminal/screen.ts";
import type { Report } from "../../src/strategy/bench/shape.ts";
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

Deno.test("bench: without images it makes some; one document, and a text of the same", async () => {
  using temp = new TempDir("/dev/shm");
  const line = ["bench", "--strategy", "copy", "--strategy", "hardlink", "--rounds", "1"];
  using pages = new TempDir("/dev/shm");
  const page = `${pages.path}/page.html`;
  const { code, out, err } = await lamina(
    `${temp.path}/store`,
    ...line,
    "--json",
    "--html",
    page,
  );
  assertEquals([code, err], [0, ""]);
  const report: Report = JSON.parse(out);
  assertEquals(report.results.length, report.images.length * 2);
  assertEquals(new Set(report.results.map(({ reason }) => reason)), new Set([undefined]));
  assert(report.images.every(({ generated }) => generated));
  assertEquals(report.places.map(({ path, withStore }) => [path, withStore]), [[temp.path, true]]);
  assertStringIncludes(report.notes.join(), "generated");
  assertEquals(Deno.readTextFileSync(page), benchmarkPage(report, undefined));
  // No store was made, and none is left.
  assertEquals([...Deno.readDirSync(temp.path)], []);

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

Deno.test("bench: wrong lines", async () => {
  using temp = new TempDir("/dev/shm");
  const cases: [string[], number, string][] = [
    [["--rounds", "0"], 2, "--rounds: `0` will not do"],
    [["--rounds", "1,2"], 2, "--rounds"],
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
