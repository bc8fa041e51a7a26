/// <reference lib="deno.worker" />
/**
 * The thread of a trial: loads a plugin, makes its strategy, probes it, says what came of it.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { createHost } from "../host.ts";
import { loadPlugin } from "../loader.ts";
import { makeStrategy } from "./shape.ts";
import type { TrialJob, TrialReply } from "./trial.ts";

self.onmessage = async ({ data: job }: MessageEvent<TrialJob>) => {
  try {
    self.postMessage({ returned: await perform(job) } satisfies TrialReply);
  } catch (error) {
    const { kind, hint } = error instanceof LaminaError
      ? error
      : { kind: "invalid" as const, hint: undefined };
    const message = error instanceof Error ? error.message : String(error);
    self.postMessage({ kind, hint, message } satisfies TrialReply);
  }
};

async function perform({ source, directory, site }: TrialJob): Promise<unknown> {
  const { plugin } = await loadPlugin(source, { directory });
  const strategy = makeStrategy(plugin, createHost());
  return site && await strategy.probe(site);
}
