import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { compareReports, readEarlier } from "../../src/strategy/bench/compare.ts";
import { formFor, judge } from "../../src/strategy/bench/judge.ts";
import { goesOn, rotate, runRounds } from "../../src/strategy/bench/rounds.ts";
import type { Form, Report } from "../../src/strategy/bench/shape.ts";
import {
  compareSamples,
  criticalRank,
  median,
  quantile,
  summarize,
} from "../../src/strategy/bench/statistics.ts";
import type { Candidate, Counts } from "../../src/strategy/choice.ts";
import type { Traits } from "../../src/strategy/plugin.ts";
import { TempDir } from "../support/temp.ts";
import { DIRECTORY } from "./in_memory.ts";

Deno.test("statistics: quantiles as R has them", () => {
  const cases: [number[], number, number][] = [
    [[7], 0.5, 7],
    [[7], 0.9, 7],
    [[1, 2], 0.5, 1.5],
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2.5],
    [[10, 20, 30, 40, 50], 0.1, 14],
    [[50, 40, 30, 20, 10], 0.9, 46],
    [[1, 2, 3], 0, 1],
    [[1, 2, 3], 1, 3],
  ];
  for (const [values, share, expected] of cases) {
    assertEquals(quantile(values, share), expected, `${values} ${share}`);
  }
  assertEquals(median([9, 1, 5]), 5);
  assertEquals(summarize([]), undefined);
  assertEquals(summarize([3, 1, 2]), { n: 3, median: 2, p10: 1.2, p90: 2.8 });
});

Deno.test("statistics: ranks of the test of Mann and Whitney, as its tables have them", () => {
  // Two-sided, 5 %: the largest U that is significant, plus one; 0 where none is.
  const cases: [number, number, number][] = [
    [1, 1, 0],
    [3, 3, 0],
    [4, 4, 1],
    [3, 5, 1],
    [5, 5, 3],
    [5, 8, 7],
    [10, 10, 24],
    [20, 20, 128],
  ];
  for (const [n, m, expected] of cases) assertEquals(criticalRank(n, m), expected, `${n} ${m}`);
  // The normal approximation goes on where the exact one ends.
  assert(Math.abs(criticalRank(50, 50) - criticalRank(51, 50)) < 40);
});

Deno.test("statistics: comparing finds what changed, and no more", () => {
  const before = [100, 104, 98, 101, 110, 97];
  assertEquals(compareSamples(before, before).ratio, 1);
  const [low, high] = compareSamples(before, before).interval!;
  assert(low < 1 && high > 1);
  const doubled = compareSamples(before.map((n) => n * 2), before);
  assertEquals(Math.round(doubled.ratio * 100), 200);
  assert(doubled.interval![0] > 1);
  assertEquals(compareSamples([200, 201], before.slice(0, 2)).interval, undefined);
  // One outlier moves little.
  assert(compareSamples([...before.slice(1), 10_000], before).ratio < 1.1);
});

Deno.test("statistics: intervals hold the true ratio as often as they say", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1e9 }), (seed) => {
      let state = seed;
      const random = () => (state = state * 48271 % 2147483647) / 2147483647;
      const sample = () => Array.from({ length: 8 }, () => 100 * Math.exp(random() + random()));
      let held = 0;
      for (let i = 0; i < 200; i++) {
        const [low, high] = compareSamples(sample(), sample()).interval!;
        if (low <= 1 && high >= 1) held++;
      }
      // 95 % of 200, and five standard deviations less.
      assert(held >= 174, `${held} of 200`);
    }),
    { numRuns: 10 },
  );
});

Deno.test("comparing: the latest earlier report of the same image, place, strategy and form", () => {
  using temp = new TempDir();
  const result = (strategy: string, times: number[], isolation = "full") => ({
    image: "a",
    place: "/p",
    strategy,
    form: { access: "rw", isolation, writable: [] },
    samples: times.map((total) => ({ state: "first", total })),
  });
  const report = (date: string, digest: string, results: unknown[]) =>
    ({
      format: 1,
      date,
      images: [{ name: "a", digest }],
      places: [],
      results,
    }) as unknown as Report;
  const save = (name: string, value: unknown) =>
    Deno.writeTextFileSync(`${temp.path}/${name}`, JSON.stringify(value));
  const [five, ten] = [[5, 5.1, 5.2, 4.9, 5], [10, 10.1, 10.2, 9.9, 10]];
  save("old.json", report("2026-01-01", "d", [result("copy", ten), result("gone", ten)]));
  save("new.json", report("2026-02-01", "d", [result("copy", five), result("few", [5])]));
  save("image.json", report("2026-03-01", "other", [result("copy", ten)]));
  save("format.json", { ...report("2026-04-01", "d", [result("copy", ten)]), format: 2 });
  save("foreign.json", []);
  save("notes.txt", {});
  const now = report("2026-05-01", "d", [
    result("copy", ten),
    result("few", [5]),
    result("gone", [10, 10.2, 9.8, 10.1, 9.9]),
    result("unheard", ten),
    result("copy", ten, "shared"),
  ]);
  const changes = compareReports(now, readEarlier(temp.path));
  assertEquals(
    changes.map(({ strategy, verdict, file }) => [strategy, verdict, file.replace(/.*\//, "")]),
    [["copy", "slower", "new.json"], ["few", "unknown", "new.json"], ["gone", "same", "old.json"]],
  );
  assertEquals([changes[0].before, changes[0].now], [5, 10]);
  assertEquals(readEarlier(`${temp.path}/old.json`).length, 1);
  for (const [path, kind] of [["nowhere", "not-found"], ["foreign.json", "invalid"]]) {
    assertEquals(assertThrows(() => readEarlier(`${temp.path}/${path}`), LaminaError).kind, kind);
  }
  Deno.mkdirSync(`${temp.path}/empty`);
  assertThrows(() => readEarlier(`${temp.path}/empty`), LaminaError, "no report");
});

Deno.test("rounds: everybody begins in turn", () => {
  assertEquals(rotate(["a", "b", "c"], 0), ["a", "b", "c"]);
  assertEquals(rotate(["a", "b", "c"], 1), ["b", "c", "a"]);
  assertEquals(rotate(["a", "b", "c"], 5), ["c", "a", "b"]);
  assertEquals(rotate([], 3), []);
});

Deno.test("rounds: a number that is given, or the time", () => {
  const [fixed, free] = [{ rounds: 2, budget: 1 }, { rounds: undefined, budget: 1000 }];
  const cases: [typeof fixed | typeof free, [number, number, number, number], boolean][] = [
    [fixed, [1, 9999, 9999, 2], true],
    [fixed, [2, 0, 0, 2], false],
    // The first one in any case, three as long as it does not take twice the time, more within its part of it.
    [free, [0, 0, 9999, 2], true],
    [free, [1, 900, 1900, 2], true],
    [free, [2, 1800, 2000, 2], false],
    [free, [2, 200, 2000, 2], true],
    [free, [3, 300, 900, 2], true],
    [free, [3, 450, 900, 2], false],
    [free, [40, 1, 10, 2], false],
  ];
  for (const [pace, [done, spent, elapsed, contestants], expected] of cases) {
    assertEquals(goesOn(pace, done, spent, elapsed, contestants), expected, `${done} ${spent}`);
  }
});

Deno.test("rounds: each contestant in each round, but who is out", async () => {
  const met: string[] = [];
  await runRounds(["a", "b", "c"], { rounds: 3, budget: 0 }, (name, round) => {
    met.push(`${name}${round}`);
    return Promise.resolve(name !== "b");
  });
  assertEquals(met, ["a0", "b0", "c0", "c1", "a1", "a2", "c2"]);
});

const COUNTS: Counts = { layers: 1, directories: 0, files: 1000, bytes: 0 };
const RW: Form = { access: "rw", isolation: "full", writable: [] };

function candidate(name: string, usPerFile: number, traits: Partial<Traits> = {}): Candidate {
  const cost = { fixedMs: 0, msPerLayer: 0, usPerDirectory: 0, usPerFile, usPerMiB: 0 };
  return {
    name,
    traits: { ...DIRECTORY, ...traits },
    verdict: { works: true, cost },
    correction: 1,
  };
}

Deno.test("forms: what is asked for, else with inodes shared, else none", () => {
  const shares = candidate("shares", 1, { isolation: "shared" });
  const reads = candidate("reads", 1, { access: ["ro"] });
  assertEquals(formFor(candidate("all", 1), RW, COUNTS), { form: RW, obstacle: undefined });
  assertEquals(formFor(shares, RW, COUNTS).form.isolation, "shared");
  assertEquals(formFor(shares, RW, COUNTS).obstacle, undefined);
  assertEquals(formFor(shares, { ...RW, access: "ro" }, COUNTS).form.isolation, "full");
  assert(formFor(reads, RW, COUNTS).obstacle !== undefined);
});

Deno.test("judging: the chosen one against the fastest of those that meet the request", () => {
  const measured = [
    { candidate: candidate("mount", 3, { result: "mount" }), first: 10 },
    { candidate: candidate("slow", 1), first: 30 },
    { candidate: candidate("quick", 2), first: 20 },
    { candidate: candidate("linked", 0.1, { isolation: "shared" }), first: 1 },
  ];
  const verdict = (makes: "any" | "directory", form = RW) => {
    const judged = judge(measured, form, makes, COUNTS);
    return judged && [judged.chosen, judged.fastest, Math.round(judged.behindPercent)];
  };
  assertEquals(verdict("any"), ["slow", "mount", 200]);
  assertEquals(verdict("directory"), ["slow", "quick", 50]);
  assertEquals(verdict("any", { ...RW, isolation: "shared" }), ["linked", "linked", 0]);
  assertEquals(judge(measured.slice(0, 1), RW, "any", COUNTS), undefined);
});
