import { assert, assertEquals, assertThrows } from "@std/assert";
import { FileLock, SysError } from "../../src/linux/mod.ts";
import { childCommand, inChild } from "../support/child.ts";
import { TempDir } from "../support/temp.ts";

/** What another process finds: whether it could take the lock exclusively, and shared. */
async function fromOutside(path: string): Promise<string> {
  return await inChild(`
    const path = ${JSON.stringify(path)};
    const found = [];
    for (const take of ["tryExclusive", "tryShared"]) {
      using lock = linux.FileLock[take](path);
      found.push(lock !== undefined);
    }
    console.log(found.join(" "));
  `);
}

Deno.test("locks exclude other processes, until disposed", async () => {
  using tmp = new TempDir();
  const path = `${tmp.path}/lock`;
  {
    using _ = FileLock.exclusive(path);
    assertEquals(await fromOutside(path), "false false");
  }
  {
    using _ = FileLock.shared(path);
    assertEquals(await fromOutside(path), "false true");
  }
  assertEquals(await fromOutside(path), "true true");
});

Deno.test("locks exclude inside one process too", () => {
  using tmp = new TempDir();
  const path = `${tmp.path}/lock`;
  using first = FileLock.shared(path);
  using second = FileLock.tryShared(path);
  assert(second !== undefined);
  assertEquals(FileLock.tryExclusive(path), undefined);
  first[Symbol.dispose]();
  second[Symbol.dispose]();
  using third = FileLock.tryExclusive(path);
  assert(third !== undefined);
  assertEquals(FileLock.tryShared(path), undefined);
});

Deno.test("a killed holder leaves no lock, and a waiter gets it", async () => {
  using tmp = new TempDir();
  const path = `${tmp.path}/lock`;
  const holder = childCommand(`
    using _ = linux.FileLock.exclusive(${JSON.stringify(path)});
    console.log("held");
    setInterval(() => {}, 1000);
  `).spawn();
  const reader = holder.stdout.getReader();
  const { value } = await reader.read();
  assertEquals(new TextDecoder().decode(value).trim(), "held");
  assertEquals(FileLock.tryExclusive(path), undefined);
  const waiter = inChild(`
    using _ = linux.FileLock.exclusive(${JSON.stringify(path)});
    console.log("got it");
  `);
  holder.kill("SIGKILL");
  await holder.status;
  assertEquals(await waiter, "got it");
  reader.releaseLock();
  await holder.stdout.cancel();
  await holder.stderr.cancel();
});

Deno.test("a lock on a file that was removed meanwhile is not taken for one on the new file", async () => {
  using tmp = new TempDir();
  const path = `${tmp.path}/lock`;
  const held = FileLock.exclusive(path);
  const waiter = inChild(`
    using _ = linux.FileLock.exclusive(${JSON.stringify(path)});
    console.log(Deno.statSync(${JSON.stringify(path)}).ino);
  `);
  await new Promise((resolve) => setTimeout(resolve, 300));
  Deno.removeSync(path);
  held[Symbol.dispose]();
  const ino = await waiter;
  assertEquals(ino, `${Deno.statSync(path).ino}`);
});

Deno.test("errors: a missing directory, a link in place of the file", () => {
  using tmp = new TempDir();
  assertThrows(() => FileLock.shared(`${tmp.path}/no/lock`), SysError, "ENOENT");
  Deno.symlinkSync("elsewhere", `${tmp.path}/link`);
  assertThrows(() => FileLock.exclusive(`${tmp.path}/link`), SysError, "ELOOP");
});
