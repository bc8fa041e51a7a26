/**
 * A benchmark's report that is like none that was measured: no two figures of it are the same.
 *
 * @module
 */

import {
  type Report,
  REPORT_FORMAT,
  type Result,
  type Sample,
} from "../../src/strategy/bench/shape.ts";
import { summarize } from "../../src/strategy/bench/statistics.ts";

/** A name as hostile as an image's can be. */
export const IMAGE = `<img src=//evil.example>"'&\u001b[31m`;

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

/** A report of five rounds, all of whose times are so many times what they are at 1. */
export function report(scale: number): Report {
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
      result("btrfs-snapshot", "/one", scale * 100),
      { ...none, parts: undefined, reason: "no FICLONE here", hint: "Take XFS." },
      result("composefs", "/two", scale * 1.3),
    ],
    judgements: [],
    notes: ["a note"],
  };
}
