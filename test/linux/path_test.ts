import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  AT_FDCWD,
  cstringLength,
  displayPath,
  ENAMETOOLONG,
  ENOENT,
  Fd,
  fromCString,
  mkdirat,
  O_DIRECTORY,
  openat,
  readDirectory,
  renameat2,
  symlinkat,
  toCString,
} from "../../src/linux/mod.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("a string with a NUL is refused, not cut", () => {
  assertThrows(() => openat(AT_FDCWD, "/etc/passwd\0.txt", 0), TypeError, "NUL");
});

Deno.test("a string that is too long for the kernel gives ENAMETOOLONG", () => {
  for (const unit of ["x/", "é/", "\u{1F600}/"]) {
    assertEquals(openat(AT_FDCWD, unit.repeat(5000), 0), -ENAMETOOLONG);
    assertEquals(openat(AT_FDCWD, "a".repeat(256), 0), -ENAMETOOLONG);
  }
  assertEquals(openat(AT_FDCWD, "./".repeat(2000) + "nonexistent", 0), -ENOENT);
  assertEquals(symlinkat("x".repeat(4096), AT_FDCWD, "/tmp/never"), -ENAMETOOLONG);
});

Deno.test("two string arguments do not share a buffer", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_DIRECTORY);
  assertEquals(mkdirat(dir.n, "a much longer name than the other", 0o755), 0);
  assertEquals(renameat2(dir.n, "a much longer name than the other", dir.n, "b"), 0);
  assertEquals(readDirectory(dir.n).map(({ name }) => fromCString(name)), ["b"]);
});

Deno.test("a long string leaves nothing behind for a shorter one", () => {
  using tmp = new TempDir();
  assertEquals(openat(AT_FDCWD, "/long/path/to/nothing", 0), -ENOENT);
  using dir = Fd.open(tmp.path, O_DIRECTORY);
  assertEquals(mkdirat(dir.n, "s", 0o755), 0);
  assertEquals(readDirectory(dir.n).map(({ name }) => fromCString(name)), ["s"]);
});

Deno.test("any name of bytes comes back from the disk as it was", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_DIRECTORY);
  const name = fc.uint8Array({ minLength: 1, maxLength: 255 })
    .map((bytes) => bytes.map((b) => b === 0 || b === 0x2f ? 0x2e : b))
    .map((bytes) => String.fromCharCode(...bytes))
    .filter((text) => text !== "." && text !== "..");
  const made = new Set<string>();
  fc.assert(
    fc.property(name, (text) => {
      const bytes = toCString(text);
      assertEquals(cstringLength(bytes), text.length);
      assertEquals(fromCString(bytes), text);
      if (!made.has(text)) assertEquals(mkdirat(dir.n, bytes, 0o755), 0);
      made.add(text);
    }),
    { numRuns: 200 },
  );
  const found = readDirectory(dir.n).map((entry) => fromCString(entry.name));
  assertEquals(found.sort(), [...made].sort());
});

Deno.test("paths are shown so that they can be read", () => {
  for (
    const [path, shown] of [
      ["/plain/ünï", "/plain/ünï"],
      ["line\nfeed\x7f", "line\\x0afeed\\x7f"],
      [new Uint8Array([0x61, 0xc3, 0xa9, 0, 0x62]), "aé"],
      [new Uint8Array([0x61, 0xff, 0x0a, 0]), "a\\xff\\x0a"],
    ] as const
  ) {
    assertEquals(displayPath(path), shown);
  }
});
