// Who waits to have the store alone has it next, however many come later; nobody waits for a collector that waits for long work.

import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { Store } from "../../src/store/mod.ts";
import { TempDir } from "../support/temp.ts";

/** Another process that has to do with a store. */
class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<string>;

  constructor({ root }: Store) {
    const module = fromFileUrl(new URL("store_lock_child.ts", import.meta.url));
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", module, root],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Says what to do; resolves to that once it is done. */
  async tell(word: "shared" | "working" | "release"): Promise<string> {
    await this.#writer.write(new TextEncoder().encode(word));
    const { value } = await this.#reader.read();
    assertEquals(value, `${word}\n`);
    return word;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}

Deno.test("the store's lock: who waits to have it alone is the next", async (t) => {
  using temp = new TempDir();
  const store = Store.open(`${temp.path}/store`, { create: true });
  await using one = new Process(store);
  await using other = new Process(store);

  for (const first of ["working", "shared"] as const) {
    await t.step(`while another process has it: ${first}`, async () => {
      await one.tell(first);
      const alone = store.alone();
      // Until it has shut the turnstiles that it comes to.
      await new Promise((resolve) => setTimeout(resolve));
      if (first === "working") {
        // Compositions do not wait for long work.
        await other.tell("shared");
        await other.tell("release");
      }
      // Nor does who has the lock wait for him who waits for it, nor block the thread that he runs in.
      for (const again of ["shared", "working"] as const) {
        await one.tell(again);
        await one.tell("release");
        (await store[again]())[Symbol.dispose]();
      }
      const later = other.tell(first);
      // Time for it to take what it should not be given.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await one.tell("release");
      const next = await Promise.race([alone, later]);
      assertEquals(typeof next, "object", "the one that came later was first");
      assertEquals(store.tryAlone(), undefined);
      (await alone)[Symbol.dispose]();
      await later;
      await other.tell("release");
      using mine = store.tryAlone();
      assertEquals(mine !== undefined, true);
    });
  }
  await t.step("who gives up waiting is in nobody's way", async () => {
    await one.tell("working");
    const stop = new AbortController();
    const alone = store.alone(stop.signal).catch((reason) => reason);
    stop.abort("enough");
    assertEquals(await alone, "enough");
    await other.tell("working");
    for (const process of [one, other]) await process.tell("release");
  });
});
