/**
 * Code in a process of its own, for what acts on a whole process: locks, namespaces, users.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";

const LINUX = new URL("../../src/linux/mod.ts", import.meta.url).href;

/** What {@link inChild} starts: `deno run` of a module that has `src/linux/mod.ts` as `linux`. */
export function childCommand(body: string, stdin: "piped" | "null" = "null"): Deno.Command {
  const source = `import * as linux from ${JSON.stringify(LINUX)};\n${body}`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", "--quiet", "--ext=ts", source],
    cwd: fromFileUrl(new URL("../..", import.meta.url)),
    stdin,
    stdout: "piped",
    stderr: "piped",
  });
}

/**
 * Runs the body of a module in another process and returns what it prints.
 *
 * @throws {Error} With its stderr, if it fails.
 */
export async function inChild(body: string): Promise<string> {
  const { success, stdout, stderr } = await childCommand(body).output();
  if (!success) throw new Error(`child failed: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout).trim();
}
