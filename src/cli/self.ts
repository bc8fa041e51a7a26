/**
 * This program, to be started again.
 *
 * @module
 */

/** The words that start this program, as the compiled binary or from its sources; its arguments follow them. */
export function selfCommand(): [program: string, ...args: string[]] {
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", "--no-check", new URL(Deno.mainModule).pathname];
}
