import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AT_FDCWD,
  check,
  Fd,
  fromCString,
  mkdirat,
  MNT_DETACH,
  mount,
  MS_BIND,
  O_DIRECTORY,
  O_PATH,
  O_RDONLY,
  openat,
  readDirectory,
  removeTree,
  symlinkat,
  SysError,
  toCString,
  umount2,
} from "../../src/linux/mod.ts";
import { inChild } from "../support/child.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

function names(path: string): string[] {
  using fd = Fd.open(path, O_RDONLY | O_DIRECTORY);
  return readDirectory(fd.n).map(({ name }) => fromCString(name)).sort();
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

Deno.test("removeTree: files, links, directories, by path and by descriptor", () => {
  using tmp = new TempDir();
  const build = () => {
    Deno.mkdirSync(`${tmp.path}/t/a/b/c`, { recursive: true });
    Deno.mkdirSync(`${tmp.path}/t/a/e`);
    Deno.writeTextFileSync(`${tmp.path}/t/a/b/file`, "x");
    Deno.symlinkSync("/", `${tmp.path}/t/a/root`);
    Deno.symlinkSync("..", `${tmp.path}/t/a/b/up`);
    using dir = Fd.open(`${tmp.path}/t`, O_PATH | O_DIRECTORY);
    assertEquals(mkdirat(dir.n, toCString("\xff\xfe"), 0o700), 0);
  };
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  for (
    const remove of [
      () => removeTree(AT_FDCWD, `${tmp.path}/t`),
      () => removeTree(AT_FDCWD, `${tmp.path}/t//`),
      () => removeTree(dir.n, "t"),
      () => removeTree(dir.n, toCString("t")),
      () => removeTree(dir.n, "./t"),
    ]
  ) {
    build();
    remove();
    assertEquals(names(tmp.path), []);
    remove();
  }
});

Deno.test("removeTree: what is no directory", () => {
  using tmp = new TempDir();
  Deno.mkdirSync(`${tmp.path}/kept`);
  Deno.writeTextFileSync(`${tmp.path}/kept/file`, "x");
  Deno.symlinkSync("kept", `${tmp.path}/link`);
  removeTree(AT_FDCWD, `${tmp.path}/link`);
  assertEquals(names(tmp.path), ["kept"]);
  removeTree(AT_FDCWD, `${tmp.path}/kept/file`);
  removeTree(AT_FDCWD, `${tmp.path}/no/such/place`);
  assertEquals(names(`${tmp.path}/kept`), []);
});

Deno.test("removeTree never leaves the tree by a link", () => {
  using tmp = new TempDir();
  using outside = new TempDir();
  Deno.writeTextFileSync(`${outside.path}/precious`, "x");
  Deno.mkdirSync(`${tmp.path}/t/d`, { recursive: true });
  Deno.symlinkSync(outside.path, `${tmp.path}/t/d/out`);
  Deno.symlinkSync(outside.path, `${tmp.path}/t/out`);
  removeTree(AT_FDCWD, `${tmp.path}/t`);
  assertEquals([names(tmp.path), names(outside.path)], [[], ["precious"]]);
});

Deno.test("removeTree refuses what names no entry", () => {
  for (const path of ["/", "", ".", "..", "/tmp/.", "/tmp/.."]) {
    assertThrows(() => removeTree(AT_FDCWD, path), SysError, "EINVAL");
  }
});

Deno.test("removeTree: 3,000 levels, of one directory open at a time", () => {
  using tmp = new TempDir();
  Deno.mkdirSync(`${tmp.path}/t`);
  let fd = Fd.open(`${tmp.path}/t`, O_RDONLY | O_DIRECTORY);
  for (let level = 0; level < 3000; level++) {
    check(mkdirat(fd.n, "a long enough name", 0o755), "mkdirat", `${level}`);
    if (level % 100 === 0) check(symlinkat("x", fd.n, "link"), "symlinkat", `${level}`);
    const next = Fd.openat(fd.n, "a long enough name", O_RDONLY | O_DIRECTORY);
    fd[Symbol.dispose]();
    fd = next;
  }
  fd[Symbol.dispose]();
  const open = names("/proc/self/fd").length;
  removeTree(AT_FDCWD, `${tmp.path}/t`);
  assertEquals(names(tmp.path), []);
  assertEquals(names("/proc/self/fd").length, open);
});

Deno.test({
  ...needs("removeTree: directories without permissions, as another user", notRoot()),
  async fn() {
    using tmp = new TempDir();
    Deno.chmodSync(tmp.path, 0o777);
    const left = await inChild(`
      const libc = Deno.dlopen("libc.so.6", {
        setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
      });
      const top = ${JSON.stringify(tmp.path)};
      linux.check(libc.symbols.setresuid(65534, 65534, 65534), "setresuid", "");
      Deno.mkdirSync(top + "/t/none/inner", { recursive: true });
      Deno.mkdirSync(top + "/t/no-search/inner", { recursive: true });
      Deno.mkdirSync(top + "/t/read-only/inner", { recursive: true });
      Deno.mkdirSync(top + "/t/write-only/inner", { recursive: true });
      Deno.writeTextFileSync(top + "/t/read-only/inner/file", "x");
      Deno.chmodSync(top + "/t/read-only/inner", 0o500);
      Deno.chmodSync(top + "/t/none", 0);
      Deno.chmodSync(top + "/t/no-search", 0o600);
      Deno.chmodSync(top + "/t/read-only", 0o500);
      Deno.chmodSync(top + "/t/write-only", 0o300);
      Deno.chmodSync(top + "/t", 0o500);
      linux.removeTree(linux.AT_FDCWD, top + "/t");
      console.log([...Deno.readDirSync(top)].length);
    `);
    assertEquals(left, "0");
  },
});

Deno.test({
  ...needs(
    "removeTree stops at mounts: of directories, of files, of the tree itself",
    cannotMount(),
  ),
  fn() {
    using tmp = new TempDir();
    using outside = new TempDir();
    Deno.writeTextFileSync(`${outside.path}/precious`, "x");
    for (const [at, source] of [["t/d/m", ""], ["t/d/f", "/precious"], ["t", ""]]) {
      Deno.mkdirSync(`${tmp.path}/t/d/m`, { recursive: true });
      Deno.writeTextFileSync(`${tmp.path}/t/d/f`, "");
      const target = `${tmp.path}/${at}`;
      check(mount(outside.path + source, target, null, MS_BIND), "mount", target);
      try {
        const e = assertThrows(() => removeTree(AT_FDCWD, `${tmp.path}/t`), SysError);
        assertEquals(e.code, "EBUSY");
        assert(e.message.includes(target), e.message);
        assert(exists(`${outside.path}/precious`));
      } finally {
        check(umount2(target, MNT_DETACH), "umount2", target);
      }
      removeTree(AT_FDCWD, `${tmp.path}/t`);
      assert(!exists(`${tmp.path}/t`));
    }
  },
});

Deno.test("removeTree says what it could not open", () => {
  const e = assertThrows(() => removeTree(-1, "x"), SysError);
  assertEquals(e.message, "open x: Bad file descriptor (EBADF)");
  assertEquals(openat(-1, "x", 0), -e.errno);
});
