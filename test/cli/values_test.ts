import { assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import {
  parseExpiry,
  parseIdMap,
  parseRecipe,
  parseSize,
  parseSpan,
  parseUpper,
} from "../../src/cli/values.ts";

Deno.test("values: sizes", () => {
  const cases: [string, number][] = [
    ["1", 1],
    ["4096", 4096],
    ["64k", 65536],
    ["512m", 536870912],
    ["2G", 2147483648],
    ["2GiB", 2147483648],
    ["1t", 2 ** 40],
  ];
  for (const [text, bytes] of cases) assertEquals(parseSize(text, "--x", "c"), bytes, text);
  for (
    const text of ["", "0", "-1", "1.5g", "m", "10x", "1e3", " 1", "99999999999999t", "toString"]
  ) {
    assertThrows(() => parseSize(text, "--x", "c"), LaminaError, "is not a size", text);
  }
});

Deno.test("values: times", () => {
  const cases: [string, number][] = [
    ["90s", 90_000],
    ["24h", 86_400_000],
    ["7d", 604_800_000],
    ["1w", 604_800_000],
    ["1h30m", 5_400_000],
  ];
  for (const [text, ms] of cases) assertEquals(parseSpan(text, "--x", "c"), ms, text);
  for (const text of ["", "0", "0s", "24", "h", "-1h", "1.5h", "1y", "1H", "24h ", "forever"]) {
    assertThrows(() => parseSpan(text, "--x", "c"), LaminaError, "is not a time", text);
  }
  const now = new Date("2026-01-01T00:00:00Z");
  assertEquals(parseExpiry("1d", now, "c"), new Date("2026-01-02T00:00:00Z"));
  assertEquals(parseExpiry("forever", now, "c"), null);
  assertEquals(parseExpiry("999999999w", now, "c"), null);
  assertThrows(() => parseExpiry("soon", now, "c"), LaminaError, "--for: `soon` is not a time");
});

Deno.test("values: --idmap", () => {
  const range = { inside: 0, outside: 100000, count: 65536 };
  assertEquals(parseIdMap("0:100000:65536", "c"), [range]);
  assertEquals(parseIdMap("0:100000:65536,65536:5:1", "c"), [
    range,
    { inside: 65536, outside: 5, count: 1 },
  ]);
  assertEquals(parseIdMap("/proc/1/ns/user", "c"), "/proc/1/ns/user");
  for (
    const wrong of ["", "0", "0:1", "0:1:0", "a:1:1", "0:0:4294967296", "4294967295:0:1", "0:1:2,"]
  ) {
    assertThrows(() => parseIdMap(wrong, "c"), LaminaError, "is not a range of ids");
  }
});

Deno.test("values: --upper", () => {
  assertEquals(parseUpper("tmpfs", "c"), { kind: "tmpfs", size: undefined });
  assertEquals(parseUpper("tmpfs:64m", "c"), { kind: "tmpfs", size: 67108864 });
  assertEquals(parseUpper("/srv/up", "c"), { kind: "directory", path: "/srv/up" });
  assertEquals(parseUpper("./tmpfs", "c"), { kind: "directory", path: "./tmpfs" });
  assertThrows(() => parseUpper("tmpfs:", "c"), LaminaError, "is not a size");
});

Deno.test("values: --generate", () => {
  assertEquals(parseRecipe("500", "c"), { kind: "mixed", files: 500, layers: 5 });
  assertEquals(parseRecipe("20,deep", "c"), { kind: "deep", files: 20, layers: 5 });
  assertEquals(parseRecipe("400,layers=400", "c"), { kind: "mixed", files: 400, layers: 400 });
  assertEquals(parseRecipe("9,wide,layers=2", "c"), { kind: "wide", files: 9, layers: 2 });
  for (
    const wrong of [
      "",
      "0",
      "x",
      "5,narrow",
      "4",
      "9,layers=10",
      "9,layers=0",
      "1000001",
      "9,layers=2,wide",
    ]
  ) {
    assertThrows(() => parseRecipe(wrong, "c"), LaminaError, "will not do", wrong);
  }
});
