import { assertEquals, assertThrows } from "@std/assert";
import {
  DT_CHR,
  DT_DIR,
  DT_FIFO,
  DT_LNK,
  DT_REG,
  DT_SOCK,
  Fd,
  fromCString,
  mkdirat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  readDirectory,
  symlinkat,
  SysError,
  toCString,
} from "../../src/linux/mod.ts";
import { isRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("readDirectory: all types, raw names, no dots, the same when read again", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  const expected = new Map<string, number>();
  const make = (name: string, type: number, made: number) => {
    assertEquals(made, 0);
    expected.set(name, type);
  };
  make("d", DT_DIR, mkdirat(dir.n, "d", 0o755));
  make("...", DT_DIR, mkdirat(dir.n, "...", 0o755));
  make(".x", DT_DIR, mkdirat(dir.n, ".x", 0o755));
  make("\xff\x80", DT_DIR, mkdirat(dir.n, toCString("\xff\x80"), 0o755));
  make("s", DT_LNK, symlinkat("x", dir.n, "s"));
  make("fifo", DT_FIFO, mknodat(dir.n, "fifo", 0o010600, 0));
  make("sock", DT_SOCK, mknodat(dir.n, "sock", 0o140600, 0));
  make("f", DT_REG, mknodat(dir.n, "f", 0o100600, 0));
  if (isRoot) make("whiteout", DT_CHR, mknodat(dir.n, "whiteout", 0o020600, 0));
  for (let time = 0; time < 2; time++) {
    const found = readDirectory(dir.n);
    const types = found.map(({ name, type }) => [fromCString(name), type] as const);
    assertEquals(new Map(types), expected);
    for (const { name, ino } of found) {
      assertEquals(name[name.length - 1], 0);
      if (fromCString(name) === "f") assertEquals(ino, Deno.statSync(`${tmp.path}/f`).ino);
    }
  }
});

Deno.test("readDirectory: more than one buffer of entries", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  const names = Array.from({ length: 1500 }, (_, i) => `${i}`.padEnd(200, "x"));
  for (const name of names) {
    using _ = Fd.openat(dir.n, name, O_RDWR | O_CREAT, 0o600);
  }
  const found = readDirectory(dir.n).map(({ name }) => fromCString(name));
  assertEquals(found.sort(), names.sort());
});

Deno.test("readDirectory: an empty one, and what is none", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  assertEquals(readDirectory(dir.n), []);
  using file = Fd.open(`${tmp.path}/f`, O_RDWR | O_CREAT, 0o600);
  assertThrows(() => readDirectory(file.n), SysError, "ENOTDIR");
  assertThrows(() => readDirectory(-1), SysError, "EBADF");
});

Deno.test("readDirectory: one that was removed has no entries", () => {
  using tmp = new TempDir();
  Deno.mkdirSync(`${tmp.path}/d`);
  using dir = Fd.open(`${tmp.path}/d`, O_RDONLY | O_DIRECTORY);
  Deno.removeSync(`${tmp.path}/d`);
  assertEquals(readDirectory(dir.n), []);
});
