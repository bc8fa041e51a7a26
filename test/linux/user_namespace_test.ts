import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { createUserNamespace, SysError } from "../../src/linux/mod.ts";
import { needs, notRoot } from "../support/root.ts";

Deno.test({
  ...needs("a user namespace is made with its map, and nobody stays in it", notRoot()),
  fn() {
    const children = () =>
      new TextDecoder().decode(
        new Deno.Command("ps", { args: ["--no-headers", "-o", "comm", "--ppid", `${Deno.pid}`] })
          .outputSync().stdout,
      ).split("\n").filter((name) => name !== "" && name !== "ps");
    const before = children();
    const link = (n: number) => Deno.readLinkSync(`/proc/self/fd/${n}`);
    using one = createUserNamespace([
      { inside: 0, outside: 100_000, count: 1000 },
      { inside: 1000, outside: 5000, count: 1 },
    ]);
    using other = createUserNamespace([{ inside: 0, outside: 0, count: 1 }]);
    assertEquals(link(one.n).startsWith("user:["), true);
    assertNotEquals(link(one.n), link(other.n));
    assertNotEquals(link(one.n), Deno.readLinkSync("/proc/self/ns/user"));
    assertEquals(children(), before);
    // Overlapping ranges are what the kernel itself refuses.
    const overlap = [{ inside: 0, outside: 0, count: 10 }, { inside: 5, outside: 100, count: 10 }];
    assertThrows(() => createUserNamespace(overlap), SysError, "EINVAL");
    assertEquals(children(), before);
  },
});
