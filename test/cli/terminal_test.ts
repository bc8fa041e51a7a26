import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "fast-check";
import { LaminaError } from "../../src/error.ts";
import { exitCode, failureDocument, failureText } from "../../src/cli/terminal/failure.ts";
import { makeScreen, type Screen } from "../../src/cli/terminal/screen.ts";
import { facts, table } from "../../src/cli/terminal/table.ts";
import { printable } from "../../src/cli/terminal/printable.ts";
import { cut, width, wrap } from "../../src/cli/terminal/text.ts";
import { age, count, duration, plural, size, until } from "../../src/cli/terminal/units.ts";

const PIPE = makeScreen({
  terminal: false,
  columns: Infinity,
  rows: 0,
  unicode: true,
  color: false,
});

function terminal(columns: number, color = false): Screen {
  return makeScreen({ terminal: true, columns, rows: 24, unicode: true, color });
}

Deno.test("units: sizes, durations, counts, ages", () => {
  const cases: [string, string][] = [
    [size(0), "0 B"],
    [size(999), "999 B"],
    [size(1337), "1.34 kB"],
    [size(740_000_000), "740 MB"],
    [duration(0.0421), "0.04 ms"],
    [duration(3.14), "3.1 ms"],
    [duration(99.96), "100 ms"],
    [duration(250), "250 ms"],
    [duration(999.6), "1.00 s"],
    [duration(4210), "4.21 s"],
    [duration(59_999), "1 min 0 s"],
    [duration(125_000), "2 min 5 s"],
    [duration(12_000_000), "3 h 20 min"],
    [count(0), "0"],
    [count(999), "999"],
    [count(1000), "1,000"],
    [count(1234567), "1,234,567"],
    [plural(1, "file"), "1 file"],
    [plural(2, "directory", "directories"), "2 directories"],
  ];
  for (const [actual, expected] of cases) assertEquals(actual, expected);
  const now = new Date("2025-06-15T12:00:00Z");
  const ages: [string, string][] = [
    ["2025-06-15T11:59:30Z", "just now"],
    ["2025-06-15T12:00:30Z", "just now"],
    ["2025-06-15T11:58:30Z", "1 minute ago"],
    ["2025-06-15T09:00:00Z", "3 hours ago"],
    ["2025-06-01T12:00:00Z", "2 weeks ago"],
    ["2020-01-01T00:00:00Z", "5 years ago"],
    ["2030-01-01T00:00:00Z", "2030-01-01"],
    ["nonsense", ""],
  ];
  for (const [then, expected] of ages) assertEquals(age(new Date(then), now), expected, then);
});

Deno.test("units: the time to a date", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const cases: [string, string][] = [
    ["2025-12-31T00:00:00Z", "now"],
    ["2026-01-01T00:00:00Z", "now"],
    ["2026-01-01T00:00:20Z", "in a moment"],
    ["2026-01-01T00:05:00Z", "in 5 minutes"],
    ["2026-01-01T23:59:59Z", "in 1 day"],
    ["2026-01-02T00:00:00Z", "in 1 day"],
    ["2026-01-07T23:59:59Z", "in 1 week"],
    ["2027-02-01T00:00:00Z", "in 1 year"],
  ];
  for (const [then, expected] of cases) assertEquals(until(new Date(then), now), expected, then);
});

Deno.test("text: columns, not characters", () => {
  assertEquals(width("abc"), 3);
  assertEquals(width("日本"), 4);
  assertEquals(width("e\u0301"), 1);
  assertEquals(width("\x1b[31mred\x1b[0m"), 3);
  assertEquals(cut("abcdef", 4), "abc…");
  assertEquals(cut("abcd", 4), "abcd");
  assertEquals(cut("日本語", 5), "日本…");
  assertEquals(cut("日本語", 4), "日…");
  assertEquals(cut("abcdef", 5, "..."), "ab...");
});

Deno.test("text: cutting never takes more columns than there are", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme" }),
      fc.integer({ min: 1, max: 30 }),
      (text, columns) => {
        const clean = printable(text);
        assertLessOrEqual(width(cut(clean, columns)), columns);
      },
    ),
  );
});

Deno.test("text: control characters become visible", () => {
  const cases: [string, string][] = [
    ["plain ünï 日本", "plain ünï 日本"],
    ["a\x1b[2Jb", "a\\x1b[2Jb"],
    ["a\nb\tc\r", "a\\nb\\tc\\x0d"],
    ["a\u202eb", "a\\u202eb"],
    ["\x9b31m", "\\x9b31m"],
  ];
  for (const [text, expected] of cases) assertEquals(printable(text), expected);
});

Deno.test("text: wrapping keeps words and line breaks", () => {
  assertEquals(wrap("one two three", 7), ["one two", "three"]);
  assertEquals(wrap("a\nb", 80), ["a", "b"]);
  assertEquals(wrap("incomprehensible", 5), ["incomprehensible"]);
});

const COLUMNS = [
  { title: "NAME", shrinks: true },
  { title: "SIZE", right: true },
  { title: "TARGET", shrinks: true },
];

Deno.test("table: columns are aligned, numbers at the right", () => {
  assertEquals(
    table(COLUMNS, [["debian", "1.2 MB", "/a"], ["日本", "93 B", "/srv/b"]], PIPE),
    "NAME      SIZE  TARGET\n" +
      "debian  1.2 MB  /a\n" +
      "日本      93 B  /srv/b\n",
  );
});

Deno.test("table: fits the terminal by cutting what may be cut, the widest first", () => {
  const rows = [["n".repeat(60), "1 B", "/t"], ["short", "2 B", "t".repeat(20)]];
  for (const columns of [80, 60, 40, 30]) {
    const lines = table(COLUMNS, rows, terminal(columns)).trimEnd().split("\n");
    assertEquals(lines.length, 3);
    for (const line of lines) assertLessOrEqual(width(line), columns, line);
  }
  assert(table(COLUMNS, rows, PIPE).includes("n".repeat(60)), "nothing is cut for a pipe");
  // Too narrow for anything: columns keep their least width rather than vanish.
  assert(table(COLUMNS, rows, terminal(5)).includes("nnnnnnn…"));
});

Deno.test("table: cells cannot write to the terminal", () => {
  assert(!table(COLUMNS, [["\x1b[2J", "1", "a\nb"]], PIPE).includes("\x1b"));
  assert(!facts([["name", "\x1b]0;x\x07"]], PIPE).includes("\x1b"));
});

Deno.test("screen: styles only where there are colours", () => {
  assertEquals(terminal(80).paint("red", "x"), "x");
  assertEquals(PIPE.paint("bold", "x"), "x");
});

Deno.test("failure: one line, a hint, exit codes by kind", () => {
  const error = new LaminaError("not-found", "opening the store: there is none at /s", {
    hint: "Pull an image.",
  });
  assertEquals(
    failureText(error, PIPE, false),
    "lamina: opening the store: there is none at /s\nhint: Pull an image.\n",
  );
  assertEquals(failureDocument(error), {
    error: {
      kind: "not-found",
      message: "opening the store: there is none at /s",
      hint: "Pull an image.",
    },
  });
  assertEquals(failureDocument(new Error("x")), { error: { kind: "failed", message: "x" } });
  assertEquals(failureText(new Error("a\x1b[2J"), PIPE, false), "lamina: a\\x1b[2J\n");
  const first = new LaminaError("not-found", "opening a: it is gone", { hint: "Look." });
  const both = new SuppressedError(new Error("removing b: EIO"), first);
  assertEquals(exitCode(both), exitCode(first));
  assertEquals(
    failureText(new SuppressedError(new Error("removing c: EIO"), both), PIPE, false),
    "lamina: opening a: it is gone; then, clearing up: removing b: EIO; then, clearing up: removing c: EIO\nhint: Look.\n",
  );
  const codes = {
    failed: 1,
    invalid: 1,
    busy: 1,
    exists: 1,
    usage: 2,
    "not-found": 3,
    unsupported: 4,
  };
  for (const [kind, code] of Object.entries(codes)) {
    assertEquals(exitCode(new LaminaError(kind as LaminaError["kind"], "x")), code, kind);
  }
  assertEquals(exitCode(new TypeError("x")), 1);
});

Deno.test("failure: verbose says where it comes from, down to the first cause", () => {
  const cause = new Error("the disk is on fire");
  const text = failureText(new LaminaError("failed", "pulling x", { cause }), PIPE, true);
  assert(text.includes("the disk is on fire"));
  assert(text.includes("terminal_test.ts"));
});
