import { assertEquals, assertStringIncludes } from "@std/assert";
import { ENOENT, execve, ignoreSignal, resetSignal } from "../../src/linux/mod.ts";
import { inChild } from "../support/child.ts";
import { isRoot, needs, notRoot } from "../support/root.ts";

Deno.test("execve: the process is the program, with these arguments and this environment only", async () => {
  const script = 'echo "$0|$1|$2"; env | sort | grep -v ^_= | grep -v ^PWD= | grep -v ^SHLVL=';
  const said = await inChild(`
    linux.execve("/bin/sh", ["sh", "-c", ${JSON.stringify(script)}, "", "a b", "ü"],
      ["A=1", "B=x=y"]);
  `);
  assertEquals(said, "|a b|ü\nA=1\nB=x=y");
});

Deno.test("execve: a failure leaves everything as it is", () => {
  assertEquals(execve("/nonexistent/program", ["x"], []), -ENOENT);
});

Deno.test("resetSignal, ignoreSignal: what the engine ignores has its default action in the program, or is ignored again", async () => {
  const SIGPIPE = 13;
  const isIgnored = async (...before: string[]) => {
    const lines = before.map((call) => `linux.check(linux.${call}(${SIGPIPE}), "sigaction", "");`);
    const execute = 'linux.execve("/bin/cat", ["cat", "/proc/self/status"], []);';
    const status = await inChild([...lines, execute].join("\n"));
    const mask = BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)/m.exec(status)![1]}`);
    return (mask >> BigInt(SIGPIPE - 1) & 1n) === 1n;
  };
  assertEquals(await isIgnored(), true, "the engine ignores it");
  assertEquals(await isIgnored("resetSignal"), false);
  assertEquals(await isIgnored("resetSignal", "ignoreSignal"), true);
  assertEquals([resetSignal(9) < 0, ignoreSignal(9) < 0], [true, true]);
});

Deno.test({
  ...needs("identity: groups, group and user, and no way back", notRoot()),
  async fn() {
    const said = await inChild(`
      const results = [
        linux.setgroups([5, 6]), linux.setresgid(7), linux.setresuid(8), linux.setresuid(0),
      ];
      console.log(results.join(" "));
      linux.execve("/usr/bin/id", ["id"], []);
    `);
    const [results, id] = said.split("\n");
    assertEquals(results, "0 0 0 -1");
    assertStringIncludes(id, "uid=8");
    assertStringIncludes(id, "gid=7");
    assertEquals([...id.matchAll(/(\d+)(?:\(\w+\))?(?=,|$)/g)].map((m) => m[1]), ["7", "5", "6"]);
  },
});

Deno.test({
  ...needs("pivotRoot: a directory becomes the root of the thread alone", notRoot()),
  async fn() {
    const root = Deno.makeTempDirSync();
    try {
      Deno.writeTextFileSync(`${root}/here`, "");
      const said = await inChild(`
        const { check, mount } = linux;
        check(linux.unshare(linux.CLONE_NEWNS), "unshare", "");
        check(mount(null, "/", null, linux.MS_REC | linux.MS_PRIVATE), "mount", "");
        check(mount("${root}", "${root}", null, linux.MS_BIND), "mount", "");
        check(linux.chdir("${root}"), "chdir", "");
        check(linux.pivotRoot(".", "."), "pivot_root", "");
        check(linux.umount2(".", linux.MNT_DETACH), "umount", "");
        check(linux.chdir("/"), "chdir", "");
        console.log([...Deno.readDirSync("/")].map((entry) => entry.name).join(" "));
        console.log(linux.chroot("/here"), linux.setParentDeathSignal(9));
      `);
      assertEquals(said, "here\n-20 0");
    } finally {
      Deno.removeSync(root, { recursive: true });
    }
  },
});

Deno.test({
  ...needs("chroot: only for root", isRoot ? "root" : undefined),
  async fn() {
    assertEquals(await inChild(`console.log(linux.chroot("/"))`), "-1");
  },
});
