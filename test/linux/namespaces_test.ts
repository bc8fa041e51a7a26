import { assertEquals } from "@std/assert";
import { CLONE_NEWNS, CLONE_NEWUSER, EBADF, EINVAL, setns, unshare } from "../../src/linux/mod.ts";
import { inChild } from "../support/child.ts";
import { cannotMount, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";

Deno.test({
  ...needs("a mount namespace of one's own, seen by child processes, left by setns", cannotMount()),
  async fn() {
    using tmp = new TempDir();
    const path = JSON.stringify(tmp.path);
    const said = await inChild(`
      using home = linux.Fd.open("/proc/thread-self/ns/mnt", linux.O_RDONLY);
      linux.check(linux.unshare(linux.CLONE_NEWNS), "unshare", "");
      const all = linux.MS_REC | linux.MS_PRIVATE;
      linux.check(linux.mount(null, "/", null, all), "mount", "/");
      linux.check(linux.mount("none", ${path}, "tmpfs", 0), "mount", ${path});
      Deno.writeTextFileSync(${path} + "/inside", "x");
      const list = () => [...Deno.readDirSync(${path})].length;
      const child = new Deno.Command("ls", { args: [${path}] }).outputSync();
      const inside = list() + new TextDecoder().decode(child.stdout).trim();
      linux.check(linux.setns(home.n, linux.CLONE_NEWNS), "setns", "");
      console.log(inside, list());
    `);
    assertEquals(said, "1inside 0");
    assertEquals([...Deno.readDirSync(tmp.path)], []);
  },
});

Deno.test("what a program of several threads cannot do", () => {
  assertEquals(unshare(CLONE_NEWUSER), -EINVAL);
  assertEquals(setns(-1, CLONE_NEWNS), -EBADF);
});
