import { assert, assertEquals } from "@std/assert";
import { toCString } from "../../src/linux/mod.ts";
import { Exchange } from "../../src/strategy/materialize/exchange.ts";

/** Two threads' ends of one exchange, the first of them at work. */
function ends(): [Exchange, Exchange] {
  const memory = Exchange.memory();
  return [new Exchange(memory), new Exchange(memory)];
}

/** Has a thread wait in another one, since to wait is to stand still; answers what it took. */
async function waiting(memory: SharedArrayBuffer): Promise<() => Promise<unknown>> {
  const module = new URL("../../src/strategy/materialize/exchange.ts", import.meta.url);
  const code = `import { Exchange } from "${module}";
    self.onmessage = ({ data }) => {
      const exchange = new Exchange(data);
      self.postMessage("here");
      const unit = exchange.take(performance.now() + 60_000);
      self.postMessage(unit && { nid: unit.nid, path: new TextDecoder().decode(unit.path) });
    };`;
  const worker = new Worker(`data:text/javascript,${encodeURIComponent(code)}`, { type: "module" });
  const next = () => new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data));
  const here = next();
  worker.postMessage(memory);
  await here;
  const taken = next();
  return async () => {
    const unit = await taken;
    worker.terminate();
    return unit;
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("exchange: a directory goes to who waits for one, and is over when all are done", async () => {
  const memory = Exchange.memory();
  const first = new Exchange(memory);
  assert(!first.wanted);
  const answer = await waiting(memory);
  await until(() => first.wanted);
  let made = 0;
  assert(first.give(7, toCString("usr/lib"), () => made++));
  assertEquals(made, 1);
  assertEquals(await answer(), { nid: 7, path: "usr/lib" });
  assert(!first.wanted);
  first.finish();
  // The other one is still at work.
  assert(!first.over);
  new Exchange(memory).finish();
  assert(first.over);
  assertEquals(first.take(Infinity), undefined);
});

Deno.test("exchange: one directory at a time; none is made that cannot be given, as one whose path has no room", () => {
  const [first, second] = ends();
  const never = () => {
    throw new Error("it is not to be made");
  };
  assert(!first.give(1, toCString("x".repeat(5000)), never));
  assert(first.give(1, toCString("a"), () => {}));
  assert(!second.give(2, toCString("b"), never));
  assertEquals(second.take(Infinity)?.nid, 1);
  assert(second.give(2, toCString("b"), () => {}));
});

Deno.test("exchange: the time is over, all are to stop, nobody may join any more", () => {
  const [first, second] = ends();
  assertEquals(second.take(0), undefined);
  assert(!second.over && !second.stopped && !first.wanted);
  assert(second.join());
  assertEquals(first.close(), 1);
  assert(!second.join());
  first.stop();
  assert(second.stopped);
  assertEquals(second.take(Infinity), undefined);
});
