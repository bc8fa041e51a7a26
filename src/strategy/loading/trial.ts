/**
 * Trying outside plugins in a thread of their own, which can be ended: a loop without end in a plugin would hold up the main thread, and all
 * other plugins, for ever.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../error.ts";
import type { Site } from "../plugin.ts";
import { privateDirectory } from "./run.ts";
import type { PluginSource } from "./source.ts";

/** What a worker is to try. */
export interface TrialJob {
  /** The plugin; read. */
  readonly source: PluginSource;
  /** See {@link run!RunOptions}. */
  readonly directory: string;
  /** Where it is to be probed; undefined: it is only loaded, and its strategy made. */
  readonly site: Site | undefined;
}

/** What a worker answers: what the probe returned, whatever that is, or what was thrown. */
export type TrialReply =
  | { readonly returned: unknown }
  | { readonly kind: ErrorKind; readonly message: string; readonly hint: string | undefined };

/** Thrown for a plugin that did not end, and was ended. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";

  /** @param patience How long it had, in milliseconds. */
  constructor(patience: number) {
    super(`it did not end within ${patience / 1000} s`);
  }
}

/**
 * Loads a plugin, makes its strategy and, if a site is given, probes it.
 *
 * @param patience How long all of it may take, in milliseconds.
 * @returns What the probe returned.
 * @throws {LaminaError} What the plugin threw, or what is wrong with it.
 * @throws {TookTooLong}
 */
export async function tryPlugin(
  source: PluginSource,
  patience: number,
  site?: Site,
): Promise<unknown> {
  const directory = privateDirectory();
  const { promise, resolve, reject } = Promise.withResolvers<TrialReply>();
  const worker = new Worker(new URL("./trial_worker.ts", import.meta.url).href, { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<TrialReply>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    reject(new LaminaError("invalid", event.message));
  };
  const timer = setTimeout(() => reject(new TookTooLong(patience)), patience);
  try {
    worker.postMessage({ source, directory, site } satisfies TrialJob);
    const reply = await promise;
    if ("returned" in reply) return reply.returned;
    throw new LaminaError(reply.kind, reply.message, { hint: reply.hint });
  } finally {
    clearTimeout(timer);
    worker.terminate();
    removeIfThere(directory);
  }
}

function removeIfThere(directory: string): void {
  try {
    Deno.removeSync(directory, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
