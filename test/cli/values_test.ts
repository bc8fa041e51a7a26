import { assertEquals, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { parseSize, parseUpper } from "../../src/cli/values.ts";

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

Deno.test("values: --upper", () => {
  assertEquals(parseUpper("tmpfs", "c"), { kind: "tmpfs", size: undefined });
  assertEquals(parseUpper("tmpfs:64m", "c"), { kind: "tmpfs", size: 67108864 });
  assertEquals(parseUpper("/srv/up", "c"), { kind: "directory", path: "/srv/up" });
  assertEquals(parseUpper("./tmpfs", "c"), { kind: "directory", path: "./tmpfs" });
  assertThrows(() => parseUpper("tmpfs:", "c"), LaminaError, "is not a size");
});
