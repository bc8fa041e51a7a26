import { assert, assertEquals } from "@std/assert";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  AT_SYMLINK_NOFOLLOW,
  EEXIST,
  EINVAL,
  EISDIR,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EXDEV,
  fchmod,
  fchmodat,
  fchown,
  fchownat,
  Fd,
  linkat,
  mkdirat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  readlinkat,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  renameat2,
  Stat,
  statx,
  symlinkat,
  toCString,
  unlinkat,
  UTIME_NOW,
  utimensat,
} from "../../src/linux/mod.ts";
import { needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

/** A directory with its descriptor, and a look at what is in it. */
class Site implements Disposable {
  readonly #tmp = new TempDir();
  readonly #fd = Fd.open(this.#tmp.path, O_RDONLY | O_DIRECTORY);
  readonly path = this.#tmp.path;
  readonly dir = this.#fd.n;

  stat(name: string | Uint8Array): Stat {
    const stat = new Stat();
    assertEquals(statx(this.dir, name, AT_SYMLINK_NOFOLLOW, stat), 0, `statx of ${name}`);
    return stat;
  }

  touch(name: string | Uint8Array): void {
    using _ = Fd.openat(this.dir, name, O_RDWR | O_CREAT, 0o644);
  }

  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
    this.#tmp[Symbol.dispose]();
  }
}

Deno.test("mkdirat, unlinkat", () => {
  using site = new Site();
  assertEquals(mkdirat(site.dir, "d", 0o750), 0);
  assertEquals(site.stat("d").mode, 0o040750 & ~Deno.umask());
  assertEquals(mkdirat(site.dir, "d", 0o750), -EEXIST);
  assertEquals(mkdirat(site.dir, "absent/d", 0o750), -ENOENT);
  site.touch("d/f");
  assertEquals(unlinkat(site.dir, "d"), -EISDIR);
  assertEquals(unlinkat(site.dir, "d/f", AT_REMOVEDIR), -ENOTDIR);
  assertEquals(unlinkat(site.dir, "d", AT_REMOVEDIR), -ENOTEMPTY);
  assertEquals(unlinkat(site.dir, "d/f"), 0);
  assertEquals(unlinkat(site.dir, "d", AT_REMOVEDIR), 0);
  assertEquals(unlinkat(site.dir, "d", AT_REMOVEDIR), -ENOENT);
});

Deno.test("linkat: the same inode, also of a symbolic link itself", () => {
  using site = new Site();
  site.touch("f");
  assertEquals(symlinkat("f", site.dir, "s"), 0);
  assertEquals(linkat(site.dir, "f", site.dir, "g"), 0);
  assertEquals([site.stat("g").ino, site.stat("g").nlink], [site.stat("f").ino, 2]);
  assertEquals(linkat(site.dir, "s", site.dir, "t"), 0);
  assertEquals(site.stat("t").ino, site.stat("s").ino);
  assertEquals(linkat(site.dir, "s", site.dir, "u", AT_SYMLINK_FOLLOW), 0);
  assertEquals(site.stat("u").ino, site.stat("f").ino);
  assertEquals(linkat(site.dir, "f", site.dir, "g"), -EEXIST);
  assertEquals(linkat(AT_FDCWD, "/proc/version", site.dir, "x"), -EXDEV);
});

Deno.test("symlinkat, readlinkat: targets of bytes, long and cut", () => {
  using site = new Site();
  const buffer = new Uint8Array(4096);
  const odd = toCString("\xff/\x01\xfe");
  assertEquals(symlinkat(odd, site.dir, "odd"), 0);
  assertEquals(readlinkat(site.dir, "odd", buffer), 4);
  assertEquals([...buffer.subarray(0, 4)], [0xff, 0x2f, 0x01, 0xfe]);
  const long = "l".repeat(4095);
  assertEquals(symlinkat(long, site.dir, "long"), 0);
  assertEquals(readlinkat(site.dir, "long", buffer), 4095);
  assertEquals(readlinkat(site.dir, "long", buffer.subarray(0, 10)), 10);
  assertEquals(symlinkat("", site.dir, "empty"), -ENOENT);
  site.touch("f");
  assertEquals(readlinkat(site.dir, "f", buffer), -EINVAL);
});

Deno.test("names that are not UTF-8 or hold odd characters", () => {
  using site = new Site();
  for (const text of ["\xff\xfe", "\xc3\x28", "a:b,c\\d%e", "line\nfeed", "\x80".repeat(255)]) {
    const name = toCString(text);
    assertEquals(mkdirat(site.dir, name, 0o755), 0);
    assertEquals(site.stat(name).mode & 0o170000, 0o040000);
    assertEquals(renameat2(site.dir, name, site.dir, "plain"), 0);
    assertEquals(unlinkat(site.dir, "plain", AT_REMOVEDIR), 0);
  }
});

Deno.test("mknodat: fifos and sockets", () => {
  using site = new Site();
  for (const type of [0o010000, 0o140000, 0o100000]) {
    assertEquals(mknodat(site.dir, `n${type}`, type | 0o600, 0), 0);
    assertEquals(site.stat(`n${type}`).mode, type | 0o600);
  }
  assertEquals(mknodat(site.dir, "n4096", 0o010600, 0), -EEXIST);
});

Deno.test({
  ...needs("mknodat: device numbers of all sizes", notRoot()),
  fn() {
    using site = new Site();
    for (const [major, minor] of [[0, 0], [1, 3], [8, 255], [259, 256], [4095, 1048575]]) {
      const rdev = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
      const name = `dev-${major}-${minor}`;
      for (const type of [0o020000, 0o060000]) {
        assertEquals(mknodat(site.dir, name, type | 0o600, rdev), 0);
        const stat = site.stat(name);
        assertEquals([stat.rdevMajor, stat.rdevMinor, stat.rdev], [major, minor, rdev]);
        assertEquals(stat.mode & 0o170000, type);
        assertEquals(unlinkat(site.dir, name), 0);
      }
    }
  },
});

Deno.test("renameat2: replace, refuse, exchange", () => {
  using site = new Site();
  Deno.writeTextFileSync(`${site.path}/a`, "a");
  Deno.writeTextFileSync(`${site.path}/b`, "b");
  assertEquals(renameat2(site.dir, "a", site.dir, "b", RENAME_NOREPLACE), -EEXIST);
  assertEquals(renameat2(site.dir, "a", site.dir, "b", RENAME_EXCHANGE), 0);
  assertEquals(Deno.readTextFileSync(`${site.path}/a`), "b");
  assertEquals(renameat2(site.dir, "a", site.dir, "b"), 0);
  assertEquals(Deno.readTextFileSync(`${site.path}/b`), "b");
  assertEquals(renameat2(site.dir, "a", site.dir, "b", RENAME_EXCHANGE), -ENOENT);
});

Deno.test("fchmod, fchmodat: all twelve bits", () => {
  using site = new Site();
  using fd = Fd.openat(site.dir, "f", O_RDWR | O_CREAT, 0o600);
  assertEquals(fchmod(fd.n, 0o4711), 0);
  assertEquals(site.stat("f").mode, 0o104711);
  assertEquals(fchmodat(site.dir, "f", 0o1640), 0);
  assertEquals(site.stat("f").mode, 0o101640);
  assertEquals(fchmodat(site.dir, "absent", 0o644), -ENOENT);
});

Deno.test({
  ...needs("fchown, fchownat: owners up to 2^32 - 2, links on their own", notRoot()),
  fn() {
    using site = new Site();
    using fd = Fd.openat(site.dir, "f", O_RDWR | O_CREAT, 0o644);
    symlinkat("f", site.dir, "s");
    const owner = (name: string) => [site.stat(name).uid, site.stat(name).gid];
    assertEquals(fchown(fd.n, 1000, 2000), 0);
    assertEquals(owner("f"), [1000, 2000]);
    assertEquals(fchownat(site.dir, "s", 4294967294, 3000000000, AT_SYMLINK_NOFOLLOW), 0);
    assertEquals(owner("s"), [4294967294, 3000000000]);
    assertEquals(owner("f"), [1000, 2000]);
    assertEquals(fchownat(site.dir, "s", 5, 6, 0), 0);
    assertEquals(owner("f"), [5, 6]);
    assertEquals(fchown(fd.n, 4294967295, 7), 0, "-1 leaves it");
    assertEquals(owner("f"), [5, 7]);
  },
});

Deno.test("utimensat: before 1970, after 2038, nanoseconds, links on their own", () => {
  using site = new Site();
  using fd = Fd.openat(site.dir, "f", O_RDWR | O_CREAT, 0o644);
  symlinkat("f", site.dir, "s");
  const time = (name: string) => [site.stat(name).mtime, site.stat(name).nsec];
  for (
    const [seconds, nanoseconds] of [
      [0, 0],
      [1, 1],
      [-1, 999_999_999],
      [-2147483648, 0],
      [2147483648, 123_456_789],
      [4294967296, 5],
      [10000000000, 999_999_999],
    ]
  ) {
    assertEquals(utimensat(site.dir, "f", seconds, nanoseconds), 0);
    assertEquals(time("f"), [seconds, nanoseconds]);
    assertEquals(utimensat(fd.n, null, seconds + 1, nanoseconds), 0);
    assertEquals(time("f"), [seconds + 1, nanoseconds]);
  }
  const before = time("f");
  assertEquals(utimensat(site.dir, "s", 77, 88, AT_SYMLINK_NOFOLLOW), 0);
  assertEquals(time("s"), [77, 88]);
  assertEquals(time("f"), before);
  assertEquals(utimensat(site.dir, "s", 77, 1_000_000_000, AT_SYMLINK_NOFOLLOW), -EINVAL);
  assertEquals(utimensat(site.dir, "f", 0, UTIME_NOW), 0);
  assert(Math.abs(site.stat("f").mtime - Date.now() / 1000) < 10);
});
