/// <reference lib="deno.worker" />
/**
 * The second thread of a walk: a worker that loads the plugin again, takes what the first one gives away until all is done, and says what it made.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { createHost } from "../host.ts";
import { loadPlugin } from "../loader.ts";
import { asError, makeStrategy } from "../loading/shape.ts";
import { Exchange, Stopped } from "./exchange.ts";
import type { Reply } from "./team.ts";
import { Thread, type ThreadJob } from "./thread.ts";

self.onmessage = async ({ data: job }: MessageEvent<ThreadJob>) => {
  self.postMessage(await work(job));
  self.close();
};

async function work(job: ThreadJob): Promise<Reply> {
  const exchange = new Exchange(job.exchange);
  try {
    const { plugin } = await loadPlugin(job.plugin);
    const strategy = makeStrategy(plugin, createHost());
    if (!exchange.join()) return { idle: true };
    using thread = new Thread(job, (file) => strategy.place!(file));
    while (!thread.run(Infinity));
    return { done: thread.result };
  } catch (error) {
    exchange.stop();
    if (error instanceof Stopped) return { idle: true };
    const { kind, hint } = error instanceof LaminaError
      ? error
      : { kind: "failed" as const, hint: undefined };
    return { kind, hint, message: asError(error).message };
  }
}
