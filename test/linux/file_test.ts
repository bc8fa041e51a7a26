import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  AT_FDCWD,
  check,
  close,
  EBADF,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  ENOENT,
  ENOSPC,
  ENOTDIR,
  ENXIO,
  ESPIPE,
  EXDEV,
  FALLOC_FL_KEEP_SIZE,
  FALLOC_FL_PUNCH_HOLE,
  fallocate,
  Fd,
  fsconfigCreate,
  fsconfigString,
  fsmount,
  fsopen,
  fstat,
  fsync,
  ftruncate,
  lseek,
  MAX_RW_COUNT,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
  openat,
  openat2,
  POSIX_FADV_DONTNEED,
  posixFadvise,
  pread,
  pwrite,
  read,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS,
  SEEK_CUR,
  SEEK_DATA,
  SEEK_END,
  SEEK_HOLE,
  SEEK_SET,
  Stat,
  sync_file_range,
  SYNC_FILE_RANGE_WRITE,
  syncfs,
  SysError,
  write,
  writeAll,
} from "../../src/linux/mod.ts";
import { cannotMount, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

function makeSite() {
  const tmp = new TempDir();
  Deno.mkdirSync(`${tmp.path}/dir/inner`, { recursive: true });
  Deno.writeTextFileSync(`${tmp.path}/file`, "0123456789");
  Deno.symlinkSync("../file", `${tmp.path}/dir/up`);
  Deno.symlinkSync("inner", `${tmp.path}/dir/here`);
  Deno.symlinkSync("/", `${tmp.path}/dir/root`);
  const dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  return {
    path: tmp.path,
    dir: dir.n,
    [Symbol.dispose]() {
      dir[Symbol.dispose]();
      tmp[Symbol.dispose]();
    },
  };
}

/** The result of an open, its descriptor closed: 0 or -errno. */
function outcome(n: number): number {
  return n < 0 ? n : close(n);
}

Deno.test("openat: flags of this machine, and how it fails", () => {
  using site = makeSite();
  const open = (name: string, flags: number) => outcome(openat(site.dir, name, flags, 0o600));
  assertEquals(open("file", O_RDONLY), 0);
  assertEquals(open("absent", O_RDONLY), -ENOENT);
  assertEquals(open("file", O_DIRECTORY), -ENOTDIR);
  assertEquals(open("dir", O_WRONLY), -EISDIR);
  assertEquals(open("dir/up", O_RDONLY | O_NOFOLLOW), -ELOOP);
  assertEquals(open("dir/up", O_PATH | O_NOFOLLOW), 0);
  assertEquals(open("file", O_RDWR | O_CREAT | O_EXCL), -EEXIST);
  assertEquals(open("new", O_RDWR | O_CREAT | O_EXCL), 0);
  assertEquals(open(".", O_RDWR | O_TMPFILE), 0);
  assertEquals(outcome(openat(-1, "file", O_RDONLY)), -EBADF);
});

Deno.test("openat: descriptors do not reach child processes", async () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "file", O_RDONLY);
  const { code } = await new Deno.Command("sh", {
    args: ["-c", `[ "$(readlink /proc/self/fd/${fd.n})" != "${site.path}/file" ]`],
  }).output();
  assertEquals(code, 0);
});

Deno.test("openat2: resolution that cannot leave", () => {
  using site = makeSite();
  using dir = Fd.openat(site.dir, "dir", O_RDONLY | O_DIRECTORY);
  const open = (name: string, resolve: number) =>
    outcome(openat2(dir.n, name, O_RDONLY, 0, resolve));
  assertEquals(open("inner", RESOLVE_BENEATH), 0);
  assertEquals(open("here", RESOLVE_BENEATH), 0);
  assertEquals(open("up", RESOLVE_BENEATH), -EXDEV);
  assertEquals(open("root/etc", RESOLVE_BENEATH), -EXDEV);
  assertEquals(open("../file", RESOLVE_BENEATH), -EXDEV);
  assertEquals(open("/etc", RESOLVE_BENEATH), -EXDEV);
  assertEquals(open("here", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS), -ELOOP);
  assertEquals(open("up", RESOLVE_IN_ROOT), -ENOENT);
  assertEquals(open("root/inner", RESOLVE_IN_ROOT), 0);
  assertEquals(outcome(openat2(dir.n, "made", O_RDWR | O_CREAT, 0o640, RESOLVE_BENEATH)), 0);
  assertEquals(Deno.statSync(`${site.path}/dir/made`).mode! & 0o777, 0o640 & ~Deno.umask());
});

Deno.test("read, write and their positioned forms", () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "file", O_RDWR);
  const buffer = new Uint8Array(4);
  assertEquals(read(fd.n, buffer), 4);
  assertEquals(new TextDecoder().decode(buffer), "0123");
  assertEquals(pread(fd.n, buffer, 8), 2);
  assertEquals(new TextDecoder().decode(buffer), "8923");
  assertEquals(pread(fd.n, buffer, 10), 0);
  assertEquals(read(fd.n, new Uint8Array(0)), 0);
  assertEquals(pwrite(fd.n, new TextEncoder().encode("ab"), 5_000_000_000), 2);
  assertEquals(pread(fd.n, buffer, 4_999_999_999), 3);
  assertEquals([...buffer.subarray(0, 3)], [0, 97, 98]);
  assertEquals(write(fd.n, new TextEncoder().encode("XY").subarray(1)), 1);
  assertEquals(pread(fd.n, buffer, 3), 4);
  assertEquals(new TextDecoder().decode(buffer), "3Y56");
  assertEquals(read(site.dir, buffer), -EISDIR);
  assertEquals(write(-1, buffer), -EBADF);
});

Deno.test("writeAll goes on after short writes", () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "new", O_RDWR | O_CREAT, 0o600);
  const content = crypto.getRandomValues(new Uint8Array(60_000));
  assertEquals(writeAll(fd.n, content), 0);
  assertEquals(writeAll(fd.n, new Uint8Array(0)), 0);
  assertEquals(Deno.readFileSync(`${site.path}/new`), content);
  using readOnly = Fd.openat(site.dir, "new", O_RDONLY);
  assertEquals(writeAll(readOnly.n, content), -EBADF);
});

Deno.test("writes of more than the kernel takes at once", () => {
  // Memory that is never touched, so that it costs nothing.
  const much = new Uint8Array(2 ** 31 + 5);
  using sink = Fd.open("/dev/null", O_WRONLY);
  assertEquals(write(sink.n, much), MAX_RW_COUNT);
  assertEquals(writeAll(sink.n, much), 0);
});

Deno.test({
  ...needs("writeAll gives the error that stops it half-way", cannotMount()),
  fn() {
    using fs = Fd.adopt(check(fsopen("tmpfs"), "fsopen", "tmpfs"));
    assertEquals(fsconfigString(fs.n, "size", "1048576"), 0);
    assertEquals(fsconfigCreate(fs.n), 0);
    using mount = Fd.adopt(check(fsmount(fs.n, 0, 0), "fsmount", "tmpfs"));
    using fd = Fd.openat(mount.n, "f", O_RDWR | O_CREAT, 0o600);
    assertEquals(writeAll(fd.n, new Uint8Array(2 * 1048576)), -ENOSPC);
    assert(lseek(fd.n, 0, SEEK_END) > 0, "a part was written before");
  },
});

Deno.test("lseek: offsets beyond 32 bits, and errors beside them", () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "sparse", O_RDWR | O_CREAT, 0o600);
  const size = 3 * 2 ** 32;
  assertEquals(ftruncate(fd.n, size), 0);
  assertEquals(pwrite(fd.n, new Uint8Array([1]), 2 ** 32 - 1), 1);
  // 2^32 - 1 is what -1 looks like in 32 bits.
  assertEquals(lseek(fd.n, 2 ** 32 - 1, SEEK_SET), 2 ** 32 - 1);
  assertEquals(lseek(fd.n, 1, SEEK_CUR), 2 ** 32);
  assertEquals(lseek(fd.n, 0, SEEK_END), size);
  assertEquals(lseek(fd.n, 0, SEEK_HOLE), 0);
  const data = lseek(fd.n, 0, SEEK_DATA);
  assert(data > 2 ** 31 && data <= 2 ** 32 - 1, `data at ${data}`);
  assertEquals(lseek(fd.n, 2 ** 32, SEEK_DATA), -ENXIO);
  assertEquals(lseek(fd.n, -1, SEEK_SET), -EINVAL);
  assertEquals(lseek(-1, 0, SEEK_SET), -EBADF);
  using proc = Fd.open("/dev/null", O_RDONLY);
  assertEquals(lseek(proc.n, 5, SEEK_SET), 0);
});

Deno.test("lseek of a pipe is ESPIPE", async () => {
  using site = makeSite();
  const fifo = `${site.path}/fifo`;
  assertEquals((await new Deno.Command("mkfifo", { args: [fifo] }).output()).code, 0);
  using fd = Fd.open(fifo, O_RDWR);
  assertEquals(lseek(fd.n, 0, SEEK_CUR), -ESPIPE);
});

Deno.test("ftruncate and fallocate: sizes and holes", () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "new", O_RDWR | O_CREAT, 0o600);
  const stat = new Stat();
  const mebi = 1024 * 1024;
  assertEquals(fallocate(fd.n, 0, 0, mebi), 0);
  assertEquals(fstat(fd.n, stat), 0);
  assertEquals(stat.size, mebi);
  assert(stat.blocks * 512 >= mebi);
  assertEquals(fallocate(fd.n, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, mebi), 0);
  fstat(fd.n, stat);
  assertEquals([stat.size, stat.blocks < 16], [mebi, true]);
  assertEquals(ftruncate(fd.n, 5_000_000_001), 0);
  fstat(fd.n, stat);
  assertEquals(stat.size, 5_000_000_001);
  assertEquals(ftruncate(fd.n, -1), -EINVAL);
});

Deno.test("syncing and advice", () => {
  using site = makeSite();
  using fd = Fd.openat(site.dir, "file", O_RDWR);
  assertEquals(fsync(fd.n), 0);
  assertEquals(fsync(site.dir), 0);
  assertEquals(syncfs(site.dir), 0);
  assertEquals(sync_file_range(fd.n, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
  assertEquals(posixFadvise(fd.n, 0, 0, POSIX_FADV_DONTNEED), 0);
  assertEquals(fsync(-1), -EBADF);
  assertEquals(syncfs(-1), -EBADF);
  assertEquals(sync_file_range(fd.n, 0, 0, 0x80), -EINVAL);
  assertEquals(posixFadvise(fd.n, 0, 0, 99), -EINVAL);
  assertEquals(posixFadvise(-1, 0, 0, 0), -EBADF);
});

Deno.test("Fd closes once, and not what was released", () => {
  using site = makeSite();
  const fd = Fd.openat(site.dir, "file", O_RDONLY);
  const n = fd.n;
  fd[Symbol.dispose]();
  assertEquals(fd.n, -1);
  using other = Fd.openat(site.dir, "file", O_RDONLY);
  assertEquals(other.n, n, "the number is free again");
  fd[Symbol.dispose]();
  assertEquals(read(other.n, new Uint8Array(1)), 1, "the second dispose closed nothing");
  const released = Fd.adopt(other.release());
  assertEquals(other.n, -1);
  assertEquals(released.release(), n);
  assertEquals(close(n), 0);
  assertEquals(close(n), -EBADF);
});

Deno.test("Fd names what it could not open", () => {
  const e = assertThrows(() => Fd.openat(AT_FDCWD, "/proc/absent", O_RDONLY), SysError);
  assertEquals(e.message, "open /proc/absent: No such file or directory (ENOENT)");
});
