import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseHTML } from "linkedom/worker";
import { benchmarkPage } from "../../src/cli/page/benchmark.ts";
import { duration, size } from "../../src/cli/terminal/units.ts";
import { compareReports } from "../../src/strategy/bench/compare.ts";
import {
  type Report,
  REPORT_FORMAT,
  type Result,
  type Sample,
} from "../../src/strategy/bench/shape.ts";
import { summarize } from "../../src/strategy/bench/statistics.ts";

/** A name as hostile as an image's can be. */
const IMAGE = `<img src=//evil.example>"'&\u001b[31m`;

function samples(scale: number): Sample[] {
  return [0, 1, 2, 3, 4].flatMap((round) =>
    (["first", "again", "cold"] as const).map((state, n) => {
      const parts = [1.01, 2.03, 3.07, 4.13].map((part) =>
        Math.round(scale * (part + round / 7 + n) * 100) / 100
      );
      const [record, choose, tree, work] = parts;
      const total = Math.round((record + choose + tree + work) * 100) / 100;
      const release = Math.round(scale * (round + n + 0.37) * 100) / 100;
      return { round, state, total, timings: { record, choose, tree, work }, release, bytes: 4096 };
    })
  );
}

function result(strategy: string, place: string, scale: number): Result {
  const all = samples(scale);
  const of = (pick: (sample: Sample) => number) =>
    summarize(all.filter(({ state }) => state === "first").map(pick))!.median;
  const totals = (state: string) =>
    summarize(all.filter((one) => one.state === state).map(({ total }) => total))!;
  return {
    image: IMAGE,
    place,
    strategy,
    version: "1",
    plugin: undefined,
    makes: scale > 10 ? "directory" : "mount",
    form: { access: "rw", isolation: "full", writable: [] },
    reason: undefined,
    hint: undefined,
    estimate: { model: 10 * scale, correction: 1.5, expected: 15 * scale, errorPercent: -37 },
    making: 123 * scale,
    total: { first: totals("first"), again: totals("again"), cold: totals("cold") },
    parts: {
      record: of(({ timings }) => timings.record),
      choose: of(({ timings }) => timings.choose),
      tree: of(({ timings }) => timings.tree),
      work: of(({ timings }) => timings.work),
      release: of(({ release }) => release),
    },
    atOnce: [1, 8].map((count) => ({
      count,
      each: summarize([scale * count * 1.7]),
      latency: summarize([scale * count * 1.9]),
      samples: [scale * count * 1.7],
    })),
    samples: all,
  };
}

function report(scale: number): Report {
  const none = { ...result("reflink", "/one", 1), samples: [], total: {}, atOnce: [] };
  return {
    format: REPORT_FORMAT,
    date: "2030-01-02T03:04:05.678Z",
    command: ["lamina", "bench", "it's <here>"],
    machine: {
      kernel: "6.18.1-test",
      cpu: "A Processor",
      processors: 3,
      memory: 8e9,
      load: 0.25,
      lamina: "9.8.7",
      deno: "2.0.0",
    },
    store: "/store",
    startup: summarize([31.1, 32.2, 33.3]),
    images: [{
      name: IMAGE,
      digest: `sha256:${"ab".repeat(32)}`,
      layers: 4,
      directories: 56,
      files: 789,
      bytes: 1e6,
      generated: false,
    }],
    places: [
      { path: "/one", filesystem: "xfs", options: "rw,relatime", withStore: true },
      { path: "/two", filesystem: "btrfs", options: "rw,compress=zstd:1", withStore: false },
    ],
    results: [
      result("composefs", "/one", scale),
      result("copy", "/one", scale * 100),
      { ...none, parts: undefined, reason: "no FICLONE here", hint: "Take XFS." },
      result("composefs", "/two", scale * 1.3),
    ],
    judgements: [],
    notes: ["a note"],
  };
}

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
