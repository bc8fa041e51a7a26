/**
 * The command line: from arguments to an exit code.
 *
 * @module
 */

import { ENTER } from "./run/spec.ts";

/** Runs the program with the given arguments; the result is its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // Not a command: what `lamina bench` starts of itself.
  if (argv.length === 1 && argv[0] === "bench-child") {
    const { obeyOrders } = await import("../strategy/bench/child.ts");
    await obeyOrders();
    return 0;
  }
  // Not a command: the process of `lamina run` that becomes one.
  if (argv.length === 2 && argv[0] === ENTER) {
    const { enterAndRun } = await import("./run/enter.ts");
    return enterAndRun(argv[1]);
  }
  const { dispatch } = await import("./dispatch.ts");
  return await dispatch(argv);
}

// Not awaited: a script, which this becomes a part of in the binary, has no await at its top.
if (import.meta.main) main(Deno.args).then((code) => Deno.exit(code));
