/// <reference lib="deno.worker" />
/**
 * The second thread of a walk: a worker that loads the plugin again, takes units until there are none, and says what it made.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { createHost } from "../host.ts";
import { loadPlugin } from "../loader.ts";
import { asError, makeStrategy } from "../loading/shape.ts";
import { STOP, Stopped, Thread, type ThreadJob } from "./thread.ts";
import type { Reply } from "./team.ts";

self.onmessage = async ({ data: job }: MessageEvent<ThreadJob>) => {
  self.postMessage(await work(job));
  self.close();
};

async function work(job: ThreadJob): Promise<Reply> {
  try {
    const { plugin } = await loadPlugin(job.plugin);
    const strategy = makeStrategy(plugin, createHost());
    using thread = new Thread(job, (file) => strategy.place!(file));
    while (!thread.run(Infinity));
    return { done: thread.result };
  } catch (error) {
    Atomics.store(job.shared, STOP, 1);
    if (error instanceof Stopped) return { stopped: true };
    const { kind, hint } = error instanceof LaminaError
      ? error
      : { kind: "failed" as const, hint: undefined };
    return { kind, hint, message: asError(error).message };
  }
}
