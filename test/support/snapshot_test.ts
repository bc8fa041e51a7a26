import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  linkat,
  mkdirat,
  mknodat,
  O_CREAT,
  O_DIRECTORY,
  O_RDONLY,
  O_WRONLY,
  setxattrat,
  symlinkat,
  toCString,
  utimensat,
  writeAll,
} from "../../src/linux/mod.ts";
import { available, LOOP_KINDS, LoopFs } from "./loopfs.ts";
import { needs } from "./root.ts";
import { diffSnapshots, snapshot } from "./snapshot.ts";
import { TempDir } from "./temp.ts";

function write(dir: number, name: string, content: string): void {
  using fd = Fd.openat(dir, name, O_WRONLY | O_CREAT, 0o644);
  assertEquals(writeAll(fd.n, new TextEncoder().encode(content)), 0);
}

/** Builds the same small tree each time, but for what `change` does to it before the times are set. */
function build(change: (dir: number) => void = () => {}): TempDir {
  const tmp = new TempDir();
  using dir = Fd.open(tmp.path, O_RDONLY | O_DIRECTORY);
  mkdirat(dir.n, "d", 0o755);
  write(dir.n, "d/z", "content");
  linkat(dir.n, "d/z", dir.n, "a");
  write(dir.n, "alone", "x y");
  mkdirat(dir.n, toCString("\xff d"), 0o700);
  symlinkat("a b", dir.n, "s");
  mknodat(dir.n, "fifo", 0o010600, 0);
  setxattrat(dir.n, "alone", "user.k", new Uint8Array([0, 65, 32]));
  change(dir.n);
  for (const name of ["d/z", "alone", "s", "fifo", toCString("\xff d"), "d", "."]) {
    utimensat(dir.n, name, 1000, 5, AT_SYMLINK_NOFOLLOW);
  }
  return tmp;
}

Deno.test("a snapshot has every entry with all that matters", () => {
  using tmp = build();
  const lines = snapshot(tmp.path, { owner: false, mode: false });
  assertEquals([...lines.keys()], [".", "a", "alone", "d", "d/z", "fifo", "s", "\xff d"]);
  assertEquals(lines.get("s"), "symlink mtime=1000.000000005 target=a\\x20b");
  assertEquals(lines.get("fifo"), "fifo mtime=1000.000000005");
  assertEquals(lines.get("d"), "directory mtime=1000.000000005");
  assertEquals(lines.get("a"), lines.get("d/z"));
  assertMatch(lines.get("a")!, /size=7 sha256=ed7002b439e9.* link=a$/);
  assertMatch(lines.get("alone")!, /xattr:user.k=\\x00A\\x20 size=3 sha256=[0-9a-f]{64}$/);
});

Deno.test("equal trees have equal snapshots, and each difference is named", () => {
  using first = build();
  {
    using second = build();
    assertEquals(diffSnapshots(snapshot(first.path), snapshot(second.path)), []);
  }
  const cases: [(dir: number) => void, RegExp[]][] = [
    [(dir) => mkdirat(dir, "more", 0o755), [/^only in the second: more: directory/]],
    [(dir) => write(dir, "alone", "x z"), [/^alone: sha256=\w+ → sha256=\w+$/]],
    [(dir) => setxattrat(dir, "d", "user.q", new Uint8Array([49])), [/^d: - → xattr:user.q=1$/]],
    [(dir) => linkat(dir, "alone", dir, "d/y"), [/^alone: - → link=alone$/, /^only .*: d\/y:/]],
  ];
  for (const [change, expected] of cases) {
    using second = build(change);
    const differences = diffSnapshots(snapshot(first.path), snapshot(second.path));
    assertEquals(differences.length, expected.length, differences.join("\n"));
    expected.forEach((pattern, i) => assertMatch(differences[i], pattern));
  }
});

Deno.test("what is left out makes no difference", () => {
  using first = build();
  using second = build((dir) => {
    setxattrat(dir, "d", "user.q", new Uint8Array([49]));
    write(dir, "alone", "x z");
    linkat(dir, "fifo", dir, "d/fifo");
  });
  utimensat(AT_FDCWD, `${second.path}/d`, 2000, 0);
  Deno.chmodSync(`${second.path}/d`, 0o711);
  Deno.removeSync(`${second.path}/d/fifo`);
  const options = { xattrs: (key: string) => key === "user.k", content: false, mode: false };
  const differences = diffSnapshots(
    snapshot(first.path, { ...options, mtime: false }),
    snapshot(second.path, { ...options, mtime: false }),
  );
  assertEquals(differences, []);
  const all = diffSnapshots(snapshot(first.path), snapshot(second.path));
  assertEquals(all.map((line) => line.split(":")[0]), ["alone", "d"]);
});

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(
      `a loop filesystem of ${kind} comes empty and goes, also after a failure`,
      available(kind),
    ),
    async fn() {
      let path = "";
      let leaked: Fd | undefined;
      try {
        await using fs = await LoopFs.make(kind, 16);
        path = fs.path;
        assertEquals([...snapshot(path).keys()], ["."]);
        const line = Deno.readTextFileSync("/proc/self/mounts").split("\n")
          .find((l) => l.split(" ")[1] === path);
        assertMatch(line ?? "", new RegExp(` ${kind} rw,noatime`));
        Deno.writeTextFileSync(`${path}/file`, "x");
        // Still open when it is unmounted: that is what a failed test leaves.
        leaked = Fd.open(`${path}/file`, O_RDONLY);
        throw new Error("as a test fails");
      } catch (e) {
        assertEquals((e as Error).message, "as a test fails");
      }
      assert(!Deno.readTextFileSync("/proc/self/mounts").includes(path));
      assert(!Deno.readTextFileSync("/proc/self/mounts").includes(path.replace("/mnt", "")));
      let there = true;
      try {
        Deno.lstatSync(path.replace("/mnt", ""));
      } catch {
        there = false;
      }
      leaked?.[Symbol.dispose]();
      assert(!there, `${path} is still there`);
    },
  });
}
