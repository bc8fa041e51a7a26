/**
 * The command line: from arguments to an exit code.
 *
 * @module
 */

import { VERSION } from "../version.ts";

/** Runs the program with the given arguments; the result is its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  // What installers and scripts ask most, without loading anything.
  if (argv.length === 1 && argv[0] === "--version") {
    console.log(`lamina ${VERSION}`);
    return 0;
  }
  // Not a command: what `lamina bench` starts of itself.
  if (argv.length === 1 && argv[0] === "bench-child") {
    const { obeyOrders } = await import("../strategy/bench/child.ts");
    await obeyOrders();
    return 0;
  }
  const { dispatch } = await import("./dispatch.ts");
  return await dispatch(argv);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
