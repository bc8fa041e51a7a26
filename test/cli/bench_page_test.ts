import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom/worker";
import { benchmarkPage } from "../../src/cli/page/benchmark.ts";
import { duration, size } from "../../src/cli/terminal/units.ts";
import { compareReports } from "../../src/strategy/bench/compare.ts";
import { report } from "./bench_report.ts";

Deno.test("page: holds every figure, and nothing that the network or a script is needed for", () => {
  const now = report(1.1);
  const changes = compareReports(now, [{ file: "old.json", report: report(1) }]);
  const page = benchmarkPage(now, { path: "old.json", changes });
  const { document } = parseHTML(page) as unknown as {
    // deno-lint-ignore no-explicit-any
    readonly document: any;
  };
  const text = (selector: string): string[] =>
    // deno-lint-ignore no-explicit-any
    [...document.querySelectorAll(selector)].map((one: any) => one.textContent);

  // Nothing is fetched and nothing runs, whatever the image's name would like.
  assertEquals(text("script, link, img, iframe, object, embed, a, image, use"), []);
  // deno-lint-ignore no-explicit-any
  for (const element of [...document.querySelectorAll("*")] as any[]) {
    for (const { name, value } of [...element.attributes]) {
      assert(!/^(?:src|(?:xlink:)?href|on.*|srcset|action)$/.test(name), `${name}=${value}`);
      assert(!/url\((?!#)/.test(value), value);
    }
  }
  assert(!/@import|url\(/.test(text("style").join()));
  assertEquals(text("h2")[1], `<img src=//evil.example>"'&\\x1b[31m`);

  const cells = new Set(text("td"));
  const has = (value: string | number) => assert(cells.has(String(value)), `no cell says ${value}`);
  for (const { reason, hint, making, total, parts, estimate, atOnce, samples } of now.results) {
    if (reason !== undefined) {
      [reason, hint!].forEach(has);
      continue;
    }
    for (const { median, p10, p90 } of Object.values(total)) {
      has(duration(median));
      has(`${duration(p10)} – ${duration(p90)}`);
    }
    [...Object.values(parts!), estimate!.expected, making!].forEach((ms) => has(duration(ms)));
    has("−37 %");
    has("×1.5");
    for (const { each, latency, samples } of atOnce) {
      [each, latency].forEach((one) => has(duration(one!.median)));
      has(samples.join(", "));
    }
    for (const { total, timings, release, bytes } of samples) {
      [total, ...Object.values(timings), release].forEach(has);
      has(size(bytes));
    }
  }
  assertEquals(changes.length, 9);
  for (const { before, now, ratio } of changes) {
    [duration(before), duration(now), `×${ratio.toFixed(2)}`].forEach(has);
  }
  const facts = text("dl")[0];
  for (
    const fact of [
      "2030-01-02 03:04:05Z",
      `lamina bench 'it'\\''s <here>'`,
      "A Processor, 3 processors, 8 GB; load 0.25",
      "Linux 6.18.1-test",
      "lamina 9.8.7, Deno 2.0.0",
      "rw,compress=zstd:1",
      "32.2 ms",
    ]
  ) assertStringIncludes(facts, fact);

  // One plot of phases for each kind and place, one of all compositions and one of crowds for each place, one of changes.
  const plots = [...document.querySelectorAll("figure svg")];
  assertEquals(plots.length, 3 + 2 + 2 + 1);
  const drawn = plots.flatMap((svg) => [...svg.querySelectorAll("title")])
    .map((title) => title.textContent);
  for (const { strategy, parts, samples } of now.results) {
    for (const [phase, ms] of Object.entries(parts ?? {})) {
      assert(drawn.includes(`${strategy}, ${phase}: ${duration(ms)}`));
    }
    for (const { state, round, total } of samples) {
      assert(drawn.includes(`${strategy}, ${state}, round ${round + 1}: ${duration(total)}`));
    }
  }
  // Coordinates that could not be computed would be left out, or say so.
  assert(!/NaN|undefined|Infinity/.test(page));
});
