/**
 * Processes that are killed half-way.
 *
 * @module
 */

import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";

const path = (name: string) => fromFileUrl(new URL(name, import.meta.url));

/** Runs a module, and kills it as one of its threads makes a system call for the `nth` time. Returns whether it came to that. */
export async function killed(
  call: string,
  nth: number,
  module: string,
  ...args: string[]
): Promise<boolean> {
  const trace = ["-f", "-o", "/dev/null", "-e", `trace=${call}`];
  const inject = ["-e", `inject=${call}:signal=KILL:when=${nth}`];
  const run = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", path(module), ...args];
  const { signal, success, stderr } = await new Deno.Command("strace", {
    args: [...trace, ...inject, ...run],
  }).output();
  assert(success || signal === "SIGKILL", new TextDecoder().decode(stderr));
  return !success;
}
