import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EBADF,
  ENOENT,
  Fd,
  fstat,
  fstatfs,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  Stat,
  statx,
  STATX_ATTR_MOUNT_ROOT,
  SysError,
} from "../../src/linux/mod.ts";
import { TempDir } from "../support/temp.ts";

Deno.test("statx agrees with stat(1) on odd files", async () => {
  using tmp = new TempDir();
  await new Deno.Command("sh", {
    cwd: tmp.path,
    args: [
      "-c",
      "mkdir d; mkfifo fifo; ln -s d link; printf hello > file; ln file second; " +
      "truncate -s 6000000000 sparse; chmod 6751 file; touch -d '1969-12-31 23:59:58.25Z' fifo",
    ],
  }).output();
  const names = ["d", "fifo", "link", "file", "second", "sparse"].map((n) => `${tmp.path}/${n}`);
  names.push("/dev/null", "/proc/self/exe", "/proc/version", "/");
  const { stdout } = await new Deno.Command("stat", {
    args: ["-c", "%f %h %u %g %i %s %b %.9Y %t:%T", ...names],
  }).output();
  const expected = new TextDecoder().decode(stdout).trim().split("\n");
  const stat = new Stat();
  names.forEach((name, i) => {
    assertEquals(statx(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, stat), 0);
    // stat(1) writes -1.75 s as it is; in the structure it is -2 s and 250 ms.
    const seconds = stat.mtime < 0 && stat.nsec > 0 ? stat.mtime + 1 : stat.mtime;
    const nanoseconds = stat.mtime < 0 && stat.nsec > 0 ? 1e9 - stat.nsec : stat.nsec;
    const sign = stat.mtime < 0 && seconds === 0 ? "-" : "";
    const line = [
      stat.mode.toString(16),
      stat.nlink,
      stat.uid,
      stat.gid,
      stat.ino,
      stat.size,
      stat.blocks,
      `${sign}${seconds}.${String(nanoseconds).padStart(9, "0")}`,
      `${stat.rdevMajor.toString(16)}:${stat.rdevMinor.toString(16)}`,
    ].join(" ");
    if (name !== "/proc/self/exe") assertEquals(line, expected[i], name);
  });
});

Deno.test("statx follows links unless told not to, and fails as it should", () => {
  using tmp = new TempDir();
  Deno.symlinkSync("nothing", `${tmp.path}/dangling`);
  Deno.symlinkSync(".", `${tmp.path}/dot`);
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  const stat = new Stat();
  assertEquals(statx(dir.n, "dot", 0, stat), 0);
  assertEquals(stat.mode & 0o170000, 0o040000);
  assertEquals(statx(dir.n, "dot", AT_SYMLINK_NOFOLLOW, stat), 0);
  assertEquals([stat.mode & 0o170000, stat.size], [0o120000, 1]);
  assertEquals(statx(dir.n, "dangling", 0, stat), -ENOENT);
  assertEquals(statx(-1, "x", 0, stat), -EBADF);
  assertEquals(fstat(-1, stat), -EBADF);
});

Deno.test("fstat of a handle on a symbolic link is of the link", () => {
  using tmp = new TempDir();
  Deno.symlinkSync("nothing", `${tmp.path}/s`);
  using fd = Fd.open(`${tmp.path}/s`, O_PATH | O_NOFOLLOW);
  const stat = new Stat();
  assertEquals(fstat(fd.n, stat), 0);
  assertEquals(stat.mode & 0o170000, 0o120000);
});

Deno.test("mount ids are those of mountinfo, and mount roots are told", () => {
  const stat = new Stat();
  assertEquals(statx(AT_FDCWD, "/proc", 0, stat), 0);
  const line = Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .map((l) => l.split(" ")).findLast((fields) => fields[4] === "/proc");
  assertEquals(stat.mountId, Number(line?.[0]));
  assertNotEquals(stat.attributes & STATX_ATTR_MOUNT_ROOT, 0);
  assertEquals(`${stat.devMajor}:${stat.devMinor}`, line?.[2]);
  statx(AT_FDCWD, "/proc/self/", 0, stat);
  assertEquals(stat.attributes & STATX_ATTR_MOUNT_ROOT, 0);
});

Deno.test("fstatfs agrees with stat -f", async () => {
  for (const path of ["/", "/proc", "/dev"]) {
    using fd = Fd.open(path, O_RDONLY);
    const fs = fstatfs(fd.n);
    const { stdout } = await new Deno.Command("stat", {
      args: ["-f", "-c", "%t %s %b %c %i", path],
    }).output();
    assertEquals(
      [fs.type.toString(16), fs.blockSize, fs.blocks, fs.files, fs.fsid.replace(/^0+(?=.)/, "")]
        .join(" "),
      new TextDecoder().decode(stdout).trim(),
      path,
    );
    assert(fs.available <= fs.free && fs.free <= fs.blocks);
  }
  assertThrows(() => fstatfs(-1), SysError, "EBADF");
});
