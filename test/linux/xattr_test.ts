import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  AT_FDCWD,
  EEXIST,
  ENODATA,
  ENOENT,
  ENOTSUP,
  EPERM,
  ERANGE,
  Fd,
  fgetxattr,
  flistxattr,
  fremovexattr,
  fsetxattr,
  getxattrat,
  listxattrat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  readXattrs,
  readXattrsAt,
  removexattrat,
  setxattrat,
  symlinkat,
  SysError,
  toCString,
  XATTR_CREATE,
  XATTR_REPLACE,
} from "../../src/linux/mod.ts";
import { needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

const bytes = (...values: number[]) => new Uint8Array(values);

Deno.test("values of any bytes, by descriptor and by name", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  using fd = Fd.openat(dir.n, "f", O_RDWR | O_CREAT, 0o600);
  const buffer = new Uint8Array(4096);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1000 }), (value) => {
      assertEquals(fsetxattr(fd.n, "user.a", value), 0);
      assertEquals(getxattrat(dir.n, "f", "user.a", buffer), value.length);
      assertEquals(buffer.subarray(0, value.length), value);
      assertEquals(setxattrat(dir.n, "f", "user.b", value), 0);
      assertEquals(fgetxattr(fd.n, toCString("user.b"), buffer), value.length);
      assertEquals(buffer.subarray(0, value.length), value);
    }),
    { numRuns: 50 },
  );
});

Deno.test("flags, lists, removal and errors", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  using fd = Fd.openat(dir.n, "f", O_RDWR | O_CREAT, 0o600);
  const buffer = new Uint8Array(100);
  assertEquals(readXattrs(fd.n), null);
  assertEquals(flistxattr(fd.n, buffer), 0);
  assertEquals(fsetxattr(fd.n, "user.a", bytes(1, 2, 3), XATTR_REPLACE), -ENODATA);
  assertEquals(fsetxattr(fd.n, "user.a", bytes(1, 2, 3), XATTR_CREATE), 0);
  assertEquals(fsetxattr(fd.n, "user.a", bytes(), XATTR_CREATE), -EEXIST);
  assertEquals(setxattrat(dir.n, "f", "user.a", bytes(), XATTR_CREATE), -EEXIST);
  assertEquals(fgetxattr(fd.n, "user.absent", buffer), -ENODATA);
  assertEquals(fgetxattr(fd.n, "user.a", buffer.subarray(0, 2)), -ERANGE);
  assertEquals(listxattrat(dir.n, "f", buffer), 7);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 7)), "user.a\0");
  assertEquals(fsetxattr(fd.n, "user." + "k".repeat(251), bytes(1)), -ERANGE);
  assertEquals(fsetxattr(fd.n, "nonsense", bytes(1)), -ENOTSUP);
  assertEquals(getxattrat(dir.n, "absent", "user.a", buffer), -ENOENT);
  assertEquals(setxattrat(dir.n, "f", "user.b", bytes(9)), 0);
  assertEquals(fremovexattr(fd.n, "user.a"), 0);
  assertEquals(fremovexattr(fd.n, "user.a"), -ENODATA);
  assertEquals(removexattrat(dir.n, "f", "user.b"), 0);
  assertEquals(readXattrs(fd.n), null);
});

Deno.test("keys and names that are not UTF-8", () => {
  using tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  const name = toCString("\xff".repeat(255));
  assertEquals(mkdirat(dir.n, name, 0o700), 0);
  assertEquals(setxattrat(dir.n, name, toCString("user.\xfe\x01"), bytes(0, 0)), 0);
  assertEquals(readXattrsAt(dir.n, name), new Map([["user.\xfe\x01", bytes(0, 0)]]));
});

Deno.test({
  ...needs("a symbolic link has attributes of its own, and is not followed", notRoot()),
  fn() {
    using tmp = new TempDir();
    using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
    mkdirat(dir.n, "d", 0o755);
    symlinkat("d", dir.n, "s");
    assertEquals(setxattrat(dir.n, "s", "trusted.x", bytes(0, 255, 10)), 0);
    assertEquals(setxattrat(dir.n, "s", "user.x", bytes(1)), -EPERM);
    assertEquals(readXattrsAt(dir.n, "s"), new Map([["trusted.x", bytes(0, 255, 10)]]));
    assertEquals(readXattrsAt(AT_FDCWD, `${tmp.path}/s`), readXattrsAt(dir.n, "s"));
    assertEquals(readXattrsAt(dir.n, "d"), null);
    assertEquals(removexattrat(dir.n, "s", "trusted.x"), 0);
  },
});

Deno.test({
  ...needs("file capabilities and overlay marks, all read together", notRoot()),
  fn() {
    using tmp = new TempDir();
    using fd = Fd.open(`${tmp.path}/f`, O_RDWR | O_CREAT, 0o755);
    const capability = bytes(1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    const all = new Map([
      ["security.capability", capability],
      ["trusted.overlay.opaque", bytes(121)],
      ["user.empty", bytes()],
      ["user.large", new Uint8Array(3000).fill(7)],
    ]);
    for (const [key, value] of all) assertEquals(fsetxattr(fd.n, key, value), 0, key);
    assertEquals(readXattrs(fd.n), all);
  },
});

Deno.test("a directory descriptor of many digits", () => {
  using tmp = new TempDir();
  mkdirat(AT_FDCWD, `${tmp.path}/d`, 0o700);
  const many = Array.from({ length: 120 }, () => Fd.open(tmp.path, O_RDONLY | O_DIRECTORY));
  try {
    for (const { n } of many) {
      assertEquals(setxattrat(n, "d", "user.n", new TextEncoder().encode(`${n}`)), 0, `${n}`);
      assertEquals(readXattrsAt(n, "d")?.get("user.n"), new TextEncoder().encode(`${n}`));
    }
  } finally {
    many.forEach((fd) => fd[Symbol.dispose]());
  }
});

Deno.test("filesystems without attributes have none; other errors are thrown", () => {
  using fd = Fd.open("/proc/version", O_RDONLY);
  assertEquals(readXattrs(fd.n), null);
  assertThrows(() => readXattrsAt(AT_FDCWD, "/proc/absent"), SysError, "/proc/absent");
  assertThrows(() => readXattrs(-1), SysError, "EBADF");
});
