/**
 * The other end of a {@link composer!Composer}: a process that makes and releases what it is told to, line by line on its standard input.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { Store } from "../../store/mod.ts";
import { compose } from "../compose.ts";
import { builtIn, type LoadedPlugin, loadPlugin } from "../loader.ts";
import { release } from "../release.ts";
import type { Answer, Composed, Order, Released } from "./composer.ts";
import { lines } from "./lines.ts";

interface Ready {
  readonly store: Store;
  readonly plugin: LoadedPlugin;
}

/** Obeys until its standard input ends, which it also does when the other process dies. */
export async function obeyOrders(): Promise<void> {
  const stop = new AbortController();
  // A signal from the terminal comes to all processes; the other one says what is to be done about it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => stop.abort(new Error(`interrupted by ${signal}`)));
  }
  let ready: Ready | undefined;
  let work: Promise<void> = Promise.resolve();
  for await (const line of lines(Deno.stdin.readable)) {
    const order: Order = JSON.parse(line);
    if (order.kind === "stop") stop.abort(new Error("stopped"));
    else {
      work = work.then(async () => {
        const answer = await attempt(async () => {
          if (order.kind !== "load") return await perform(ready!, order, stop.signal);
          const { plugin } = order;
          const source = typeof plugin === "string" ? builtIn(plugin) : plugin;
          ready = { store: Store.open(order.store), plugin: await loadPlugin(source) };
        });
        console.log(JSON.stringify(answer));
      });
    }
  }
  stop.abort(new Error("nobody is listening any more"));
  await work;
}

async function attempt(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { done: await work() ?? null };
  } catch (error) {
    const own = error instanceof LaminaError ? error : undefined;
    const message = error instanceof Error ? error.message : String(error);
    return { kind: own?.kind ?? "failed", hint: own?.hint, message };
  }
}

async function perform(
  { store, plugin }: Ready,
  order: Exclude<Order, { kind: "stop" | "load" }>,
  signal: AbortSignal,
): Promise<Composed | Released> {
  const plugins = [plugin];
  const start = performance.now();
  if (order.kind === "release") {
    const { bytes } = await release(store, order.id, { plugins });
    return { milliseconds: performance.now() - start, bytes };
  }
  const { image, target, form, learn } = order;
  const { id, timings, waited } = await compose(store, store.images.find(image), target, {
    plugins,
    strategy: plugin.name,
    ...form,
    learn,
    signal,
  });
  const { timeOrigin } = performance;
  return { id, begun: timeOrigin + start, ended: timeOrigin + performance.now(), timings, waited };
}
