/**
 * Commands that a build runs.
 *
 * @module
 */

/**
 * Runs a command to its end.
 *
 * @throws {Error} Where it fails: with what it printed on stderr.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd,
    env: { ...options.env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return;
  throw new Error(`${program} ${args[0]}: ${new TextDecoder().decode(stderr).trim()}`);
}
