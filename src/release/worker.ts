/**
 * What the compiled program's other threads begin with.
 *
 * @module
 */

import { loadProgram } from "./script.ts";

/** Runs the module of a thread; `name` as in {@link everything!workers}. */
export async function work(name: string): Promise<void> {
  await loadProgram().work(name);
}
