import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import {
  type Candidate,
  choose,
  classOf,
  type Counts,
  estimate,
  type Request,
} from "../../src/strategy/choice.ts";
import type { Cost, Traits } from "../../src/strategy/plugin.ts";
import { COST, DIRECTORY } from "./in_memory.ts";

const COUNTS: Counts = {
  layers: 10,
  directories: 2_000,
  files: 20_000,
  bytes: 500 * 1024 * 1024,
};

const FREE: Cost = { ...COST, fixedMs: 0 };

function candidate(
  name: string,
  cost: Partial<Cost> | string,
  traits: Partial<Traits> = {},
  correction = 1,
): Candidate {
  return {
    name,
    traits: { ...DIRECTORY, ...traits },
    verdict: typeof cost === "string"
      ? { works: false, reason: cost, hint: `do something about ${name}` }
      : { works: true, cost: { ...FREE, ...cost } },
    correction,
  };
}

const overlay = candidate("overlay", { fixedMs: 1, msPerLayer: 0.01 }, {
  result: "mount",
  survivesReboot: false,
  privilege: "mount",
  upper: true,
  maxLayers: 499,
});
const reflink = candidate("reflink", { usPerDirectory: 25, usPerFile: 40 });
const hardlink = candidate("hardlink", { usPerDirectory: 25, usPerFile: 5 }, {
  isolation: "shared",
});
const copy = candidate("copy", { usPerDirectory: 25, usPerFile: 40, usPerMiB: 300 });
const ALL = [overlay, reflink, hardlink, copy];

const REQUEST: Request = {
  strategy: "auto",
  access: "rw",
  isolation: "full",
  writable: [],
  upper: undefined,
  verity: "off",
};

Deno.test("an estimate is linear in all counts", () => {
  const cost = { fixedMs: 1, msPerLayer: 0.5, usPerDirectory: 10, usPerFile: 3, usPerMiB: 100 };
  assertEquals(estimate(cost, COUNTS), 1 + 5 + 20 + 60 + 50);
  assertEquals(estimate(cost, { layers: 0, directories: 0, files: 0, bytes: 0 }), 1);
});

Deno.test("an estimate: what larger files cost more, also where nobody counted them", () => {
  const cost = { ...FREE, usPerFile: 10, usPerLarge: 100 };
  const counts = { layers: 1, directories: 0, files: 1_000, bytes: 0 };
  assertEquals(estimate(cost, { ...counts, large: 0 }), 10);
  assertEquals(estimate(cost, { ...counts, large: 1_000 }), 110);
  assertEquals(estimate(cost, counts), 30);
  assertEquals(estimate({ ...FREE, usPerFile: 10 }, { ...counts, large: 1_000 }), 10);
});

Deno.test("an estimate: threads share what grows with a large tree, and nothing else", () => {
  const cost = { ...FREE, fixedMs: 10, msPerLayer: 1, usPerFile: 10, shared: 0.5 };
  const counts = { layers: 5, directories: 0, bytes: 0, large: 0 };
  assertEquals(estimate(cost, { ...counts, files: 20_000 }), 15 + 200);
  assertEquals(estimate(cost, { ...counts, files: 60_000 }), 15 + 300);
  assertEquals(estimate({ ...cost, shared: undefined }, { ...counts, files: 60_000 }), 15 + 600);
});

Deno.test("a class has images whose entries and files are of like number and size", () => {
  const counts = { layers: 3, directories: 100, files: 1_000, bytes: 5_000_000 };
  const classes = ([
    [{}, true],
    [{ layers: 30 }, true],
    [{ directories: 8_000 }, true],
    [{ directories: 9_500 }, false],
    [{ bytes: 15_000_000 }, false],
    [{ bytes: 0 }, false],
    [{ directories: 0, files: 0, bytes: 0 }, false],
  ] as const).map(([other, same]) => [{ ...counts, ...other }, same] as const);
  for (const [other, same] of classes) {
    assertEquals(classOf(other) === classOf(counts), same, JSON.stringify(other));
  }
});

interface Case {
  readonly name: string;
  readonly request?: Partial<Request>;
  readonly candidates?: readonly Candidate[];
  readonly counts?: Partial<Counts>;
  readonly chosen: string;
  /** Pieces of the reasons of others. */
  readonly reasons?: Record<string, string>;
}

const noOverlay = [
  candidate("overlay", "this process may not mount", overlay.traits),
  reflink,
  hardlink,
  copy,
];
const verified = candidate("composefs", { fixedMs: 30 }, { ...overlay.traits, integrity: true });

const CASES: readonly Case[] = [
  { name: "the cheapest that works", chosen: "overlay", reasons: { copy: "not the cheapest" } },
  {
    name: "without mounts: clones, since hard links are not isolated",
    candidates: noOverlay,
    chosen: "reflink",
    reasons: {
      overlay: "does not work here: this process may not mount",
      hardlink: "shares inodes",
    },
  },
  {
    name: "readers may have the store's inodes",
    candidates: noOverlay,
    request: { access: "ro" },
    chosen: "hardlink",
  },
  {
    name: "so may who lists what is written",
    candidates: noOverlay,
    request: { writable: ["var"] },
    chosen: "hardlink",
  },
  {
    name: "and who accepts the risk",
    candidates: noOverlay,
    request: { isolation: "shared" },
    chosen: "hardlink",
  },
  { name: "a directory on request", request: { result: "directory" }, chosen: "reflink" },
  {
    name: "a mount on request",
    request: { result: "mount" },
    chosen: "overlay",
    reasons: { copy: "makes a directory" },
  },
  {
    name: "an upper directory excludes those without",
    candidates: [reflink, hardlink, candidate("overlay", { fixedMs: 9999 }, overlay.traits)],
    request: { upper: { kind: "tmpfs", size: undefined } },
    chosen: "overlay",
    reasons: { reflink: "no upper directory" },
  },
  {
    name: "but not for readers, who have none",
    candidates: [hardlink, candidate("overlay", { fixedMs: 9999 }, overlay.traits)],
    request: { access: "ro", upper: { kind: "tmpfs", size: undefined } },
    chosen: "hardlink",
  },
  {
    name: "too many layers for one mount",
    counts: { layers: 500 },
    chosen: "reflink",
    reasons: { overlay: "499 layers at most; this image has 500" },
  },
  { name: "the most layers", counts: { layers: 499 }, chosen: "overlay" },
  {
    name: "integrity required",
    candidates: [overlay, verified],
    request: { verity: "require" },
    chosen: "composefs",
    reasons: { overlay: "cannot check content" },
  },
  {
    name: "integrity preferred",
    candidates: [overlay, verified],
    request: { verity: "try" },
    chosen: "composefs",
  },
  { name: "integrity preferred, none there", request: { verity: "try" }, chosen: "overlay" },
  { name: "integrity not asked for", candidates: [overlay, verified], chosen: "overlay" },
  { name: "by name, though dearer", request: { strategy: "copy" }, chosen: "copy" },
  {
    name: "nearly equal: the order decides, not the noise",
    candidates: [candidate("first", { fixedMs: 10.5 }), candidate("second", { fixedMs: 10 })],
    chosen: "first",
  },
  {
    name: "not nearly equal",
    candidates: [candidate("first", { fixedMs: 11.5 }), candidate("second", { fixedMs: 10 })],
    chosen: "second",
  },
  {
    name: "what compositions really took counts",
    candidates: [candidate("first", { fixedMs: 10 }, {}, 3), candidate("second", { fixedMs: 20 })],
    chosen: "second",
  },
];

for (const { name, request, candidates = ALL, counts, chosen, reasons = {} } of CASES) {
  Deno.test(`choice: ${name}`, () => {
    const choice = choose(candidates, { ...REQUEST, ...request }, { ...COUNTS, ...counts });
    assertEquals(choice.chosen, chosen);
    assertEquals(choice.rows.map((row) => row.name), candidates.map((one) => one.name));
    for (const row of choice.rows) {
      assertEquals(row.chosen, row.name === chosen);
      assert(row.reason.length > 0, `${row.name} has no reason`);
      assertEquals(row.estimateMs === undefined, !row.works);
    }
    for (const [other, reason] of Object.entries(reasons)) {
      assertStringIncludes(choice.rows.find((row) => row.name === other)!.reason, reason);
    }
  });
}

Deno.test("choice: what was asked for by name and cannot be is unsupported, with what to do", () => {
  const error = assertThrows(
    () => choose(noOverlay, { ...REQUEST, strategy: "overlay" }, COUNTS),
    LaminaError,
    "composing with overlay: it does not work here: this process may not mount",
  );
  assertEquals([error.kind, error.hint], ["unsupported", "do something about overlay"]);
  const unfit = assertThrows(
    () => choose(ALL, { ...REQUEST, strategy: "hardlink" }, COUNTS),
    LaminaError,
    "needs --access ro, --writable PATH or --isolation shared",
  );
  assertEquals(unfit.kind, "unsupported");
});

Deno.test("choice: a name that no strategy has is not found, and the names there are are said", () => {
  const error = assertThrows(
    () => choose(ALL, { ...REQUEST, strategy: "overlai" }, COUNTS),
    LaminaError,
    "none named overlai",
  );
  assertEquals(error.kind, "not-found");
  assertStringIncludes(error.hint!, "overlay, reflink, hardlink, copy");
});

Deno.test("choice: where none will do, every reason is said", () => {
  const error = assertThrows(
    () => choose([noOverlay[0], hardlink], REQUEST, COUNTS),
    LaminaError,
    "this process may not mount",
  );
  assertStringIncludes(error.message, "hardlink shares inodes");
  assertEquals(error.kind, "unsupported");
});

Deno.test("what is kept of a tree is made where it pays at the third composition", () => {
  const snapshot = (keepMs: number, kept: boolean): Candidate => ({
    ...candidate("snapshot", {}),
    verdict: {
      works: true,
      cost: { ...FREE, fixedMs: 10 },
      keepCost: { ...FREE, fixedMs: keepMs },
    },
    kept,
  });
  const other = candidate("reflink", { fixedMs: 1000 });
  const cases: [number, boolean, string, number][] = [
    [2500, false, "snapshot", 2510],
    [3500, false, "reflink", 1000],
    [3500, true, "snapshot", 10],
  ];
  for (const [keepMs, kept, chosen, estimateMs] of cases) {
    const choice = choose([other, snapshot(keepMs, kept)], REQUEST, COUNTS);
    assertEquals([choice.chosen, choice.estimateMs], [chosen, estimateMs]);
  }
  const { why } = choose([other, snapshot(2500, false)], REQUEST, COUNTS);
  assertEquals(
    why,
    "2510 ms expected, and 10 ms for later ones of this image; next is reflink (1000 ms)",
  );
});
