/// <reference lib="deno.worker" />
/**
 * The thread of a trial: loads a plugin, makes its strategy, probes it, says what came of it.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { createHost } from "../host.ts";
import { loadPlugin } from "../loader.ts";
import { asError, makeStrategy } from "./shape.ts";
import type { TrialJob, TrialReply } from "./trial.ts";

self.onmessage = async ({ data: job }: MessageEvent<TrialJob>) => {
  try {
    const returned = await perform(job);
    // What was rejected meanwhile, and nobody waits for, is heard of now.
    await new Promise((resolve) => setTimeout(resolve, 0));
    reply({ returned });
  } catch (error) {
    fail(error);
  }
};

// What a plugin throws while nobody waits for it.
self.addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error);
});
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason);
});

// It would end the process, and all threads with it.
Deno.exit = (): never => {
  throw new LaminaError("invalid", "it called Deno.exit(), which is not for plugins");
};

async function perform({ source, directory, site }: TrialJob): Promise<unknown> {
  const { plugin } = await loadPlugin(source, { directory });
  const strategy = makeStrategy(plugin, createHost());
  return site && await strategy.probe(site);
}

function fail(thrown: unknown): void {
  const error = asError(thrown);
  const { kind, hint } = error instanceof LaminaError
    ? error
    : { kind: "invalid" as const, hint: undefined };
  reply({ kind, hint, message: error.message });
}

function reply(message: TrialReply): void {
  self.postMessage(message);
}
