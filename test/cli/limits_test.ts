import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseLimits } from "../../src/cli/limits.ts";
import { LaminaError } from "../../src/error.ts";
import { DEFAULT_LIMITS, formatLimit, LIMIT_NAMES, limitFlag, LIMITS } from "../../src/limits.ts";

/** Reads the words with `outside` in the environment. */
function read(words: readonly string[], outside?: string) {
  const before = Deno.env.get("LAMINA_LIMITS");
  if (outside === undefined) Deno.env.delete("LAMINA_LIMITS");
  else Deno.env.set("LAMINA_LIMITS", outside);
  try {
    return parseLimits(words, "lamina pull");
  } finally {
    if (before === undefined) Deno.env.delete("LAMINA_LIMITS");
    else Deno.env.set("LAMINA_LIMITS", before);
  }
}

Deno.test("limits: by flag, by the environment, and the flag goes before it", () => {
  assertEquals(read([]), {});
  assertEquals(read(["entries=7", "file-bytes=2T", "layer-bytes=64k", "entries=8"]), {
    entries: 8,
    fileBytes: 2 ** 41,
    layerBytes: 65536,
  });
  assertEquals(read(["ratio=9"], " ratio=5, layers=3,"), { ratio: 9, layers: 3 });
});

Deno.test("limits: what is none is refused with what there is", () => {
  const wrong: [string, string, string][] = [
    ["file-byte=1", "there is no limit `file-byte`", "did you mean `file-bytes`?"],
    ["zzzzzzzzzzzz=1", "there is no limit `zzzzzzzzzzzz`", "limits are entries, path-bytes"],
    ["fileBytes=1", "there is no limit `fileBytes`", "did you mean `file-bytes`?"],
    ["toString=1", "there is no limit", ""],
    ["entries", "entries: `` is not a number", "whole number"],
    ["entries=4m", "`4m` is not a number", "whole number"],
    ["entries=0", "`0` is not a number", ""],
    ["file-bytes=lots", "--limit file-bytes: `lots` is not a size", ""],
    ["symlink-bytes=4096", "symlink-bytes can be 4095 at most", "more cannot be stored"],
  ];
  for (const [word, says, hint] of wrong) {
    const error = assertThrows(() => read([word]), LaminaError, says, word);
    assertEquals(error.kind, "usage");
    assertStringIncludes(error.hint ?? "", hint);
  }
  assertThrows(() => read([], "entries=x"), LaminaError, "$LAMINA_LIMITS entries: `x`");
});

Deno.test("limits: the README lists all of them with their defaults", () => {
  const readme = Deno.readTextFileSync(new URL("../../README.md", import.meta.url));
  const rows = [...readme.matchAll(/^\| `([a-z-]+)` +\| +(\S+) \| (.+?) +\|$/gm)];
  const expected = LIMIT_NAMES.map((name) => [
    limitFlag(name),
    formatLimit(name, DEFAULT_LIMITS[name]),
    LIMITS[name].summary,
  ]);
  assertEquals(rows.map(([, ...cells]) => cells), expected);
  // What is listed can be given.
  for (const [flag, value] of expected) read([`${flag}=${value}`]);
});
