import { assert, assertEquals, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { type Bar, Bars, renderBars } from "../../src/cli/terminal/progress.ts";
import { makeScreen } from "../../src/cli/terminal/screen.ts";
import { width } from "../../src/cli/terminal/text.ts";

function screen(columns: number, rows = 24) {
  return makeScreen({ terminal: true, columns, rows, unicode: true, color: false });
}

const BAR: Bar = { label: "layer 1", unit: "bytes", done: 25e6, total: 100e6, rate: 5e6 };

Deno.test("progress: a bar has label, share, amounts, rate and what remains", () => {
  const [line] = renderBars([BAR], screen(120));
  for (const fact of ["layer 1", "━", " 25%", "25 MB of 100 MB", "5 MB/s", "15.00 s left"]) {
    assertStringIncludes(line, fact);
  }
  const [entries] = renderBars([{ ...BAR, unit: "entries", done: 1200, total: 5000 }], screen(120));
  assertStringIncludes(entries, "1,200 of 5,000");
});

Deno.test("progress: lines fit any terminal", () => {
  for (const columns of [20, 40, 60, 80, 200]) {
    const bars = [BAR, {
      ...BAR,
      label: "a very long label, longer than there is room",
      total: undefined,
    }];
    for (const line of renderBars(bars, screen(columns))) assertLessOrEqual(width(line), columns);
  }
  const many = Array.from({ length: 50 }, () => BAR);
  const lines = renderBars(many, screen(80, 10));
  assertLessOrEqual(lines.length, 8);
  assertStringIncludes(lines.at(-1)!, "and 43 more");
});

/** Plays what is written on a terminal of which only lines matter; returns the lines that stay. */
function play(written: string): string[] {
  const lines = [""];
  let row = 0;
  // deno-lint-ignore no-control-regex
  for (const part of written.split(/(\x1b\[\d*[A-Z]|\n|\r)/)) {
    // deno-lint-ignore no-control-regex
    const up = /^\x1b\[(\d+)A$/.exec(part);
    if (up) row -= Number(up[1]);
    else if (part === "\n") lines[++row] ??= "";
    else if (part === "\x1b[J") lines.splice(row, Infinity, "");
    else if (part !== "\r" && part !== "\x1b[K" && part !== "") lines[row] = part;
  }
  return lines;
}

Deno.test("progress: redraws in place and leaves nothing behind", () => {
  let now = 0;
  let written = "";
  {
    using bars = new Bars(screen(100), (text) => written += text, () => now);
    const one = bars.task("one", 1000);
    const two = bars.task("two", 1000);
    for (let i = 1; i <= 10; i++) {
      now += 100;
      one.update(i * 100);
      two.update(i * 50);
      const shown = play(written);
      assert(shown[0].startsWith("one"), shown.join("|"));
      assertEquals(shown.length, 3);
    }
    one.finish();
    assert(play(written)[0].startsWith("two"));
  }
  assertEquals(play(written), [""]);
});

Deno.test("progress: draws a few times a second, however often it is told", () => {
  let now = 0;
  let drawn = 0;
  using bars = new Bars(screen(100), () => drawn++, () => now);
  const task = bars.task("x", 1e6);
  for (let i = 0; i < 10_000; i++) {
    now += 0.1;
    task.update(i);
  }
  assertLessOrEqual(drawn, 15);
  assert(drawn > 5);
});
