/**
 * Pulls as commands show them: bars while one is running, a line about what it did; and `--pull` of the commands that compose.
 *
 * @module
 */

import { obtainImage, PULL_POLICIES, type PullPolicy } from "../oci/obtain.ts";
import { isReference } from "../oci/reference.ts";
import type { PullEvent, PullResult } from "../oci/pull.ts";
import type { ImageRecord, Store } from "../store/mod.ts";
import type { Context } from "./context.ts";
import { LIMIT_FLAG, parseLimits } from "./limits.ts";
import type { FlagSpec } from "./spec.ts";
import { shortDigest } from "./terminal/names.ts";
import { writeText } from "./terminal/output.ts";
import type { Progress, Task } from "./terminal/progress.ts";
import { duration, plural, size } from "./terminal/units.ts";

/** The flags of commands that compose for the pull that may come before. */
export const PULL_FLAGS = [
  {
    name: "pull",
    value: "POLICY",
    choices: PULL_POLICIES,
    default: "missing",
    summary: "whether to pull IMAGE first",
  },
  LIMIT_FLAG,
] as const satisfies readonly FlagSpec[];

/** Their values. */
export interface PullFlags {
  readonly pull: PullPolicy;
  readonly limit: readonly string[];
}

/** What there is to know about {@link PULL_FLAGS}, for the help of its commands. */
export const PULL_HELP =
  "IMAGE is a stored name or digest, or a reference as `lamina pull` takes it. With --pull missing a reference is pulled unless " +
  "that was done before; `never` does without; `always` pulls, a stored name from where it was pulled from; `newer` too, but " +
  "goes on with the stored image, and says so, where the source cannot be reached. What a digest names is never pulled.";

/** An image for a command that composes, and its store, which is kept from the collector until disposal. */
export interface Ready extends Disposable {
  readonly store: Store;
  readonly image: ImageRecord;
  /** What the pull did, if there was one. */
  readonly pulled: PullResult | undefined;
}

/** Opens the store and gets the image ready, pulled as the policy says. What that did is said on stderr. */
export async function readyImage(
  context: Context,
  word: string,
  flags: PullFlags,
  signal: AbortSignal = context.signal,
): Promise<Ready> {
  const { pull: policy } = flags;
  const limits = parseLimits(flags.limit, "lamina");
  const store = await context.store({ create: policy !== "never" && isReference(word) });
  const shared = store.shared();
  try {
    using progress = await context.progress();
    const { image, pulled, stale } = await obtainImage(store, word, policy, {
      limits,
      onProgress: showPull(progress),
      signal,
    });
    const say = (text: string) => {
      if (!context.globals.json && !context.globals.quiet) writeText("stderr", text);
    };
    if (pulled !== undefined) say(pulledText(pulled));
    if (stale !== undefined) {
      say(`lamina: going on with ${shortDigest(image.digest)} of the store: ${stale.message}\n`);
    }
    return { store, image, pulled, [Symbol.dispose]: () => shared[Symbol.dispose]() };
  } catch (error) {
    shared[Symbol.dispose]();
    throw error;
  }
}

/** One bar for each layer. */
export function showPull(progress: Progress): (event: PullEvent) => void {
  const bars = new Map<string, Task>();
  return (event) => {
    if (event.type !== "layer") return;
    let bar = bars.get(event.diffId);
    if (bar === undefined) {
      bar = progress.task(`layer ${shortDigest(event.diffId)}`, event.total);
      bars.set(event.diffId, bar);
    }
    if (event.finished) bar.finish();
    else bar.update(event.done);
  };
}

/** What a pull did, in a line; ends with a line break. */
export function pulledText(
  { image, name, replaced, layers, newBytes, sharedBytes, verified, seconds }: PullResult,
): string {
  const fresh = layers.filter((layer) => layer.isNew).length;
  const took = `in ${duration(seconds * 1000)}`;
  const brought = fresh === 0
    ? `${plural(layers.length, "layer")}, all in the store already, ${took}`
    : `${plural(layers.length, "layer")}, ${fresh} new: ${size(newBytes)} stored${
      sharedBytes > 0 ? `, ${size(sharedBytes)} shared with what was there` : ""
    }, ${took}`;
  const was = replaced === undefined ? "" : `, no longer ${shortDigest(replaced)}`;
  return `${name ?? "(no name)"} is ${shortDigest(image.digest)}${was}: ${brought}\n` +
    verified.map((key) => `checked: ${key}\n`).join("");
}
