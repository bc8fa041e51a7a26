/**
 * Programs to measure against: run, and said to be missing where they are.
 *
 * @module
 */

/** Runs a program to its end; throws with what it printed if it fails. Returns its standard output. */
export function run(
  program: string,
  args: readonly string[],
  env?: Record<string, string>,
): string {
  const output = new Deno.Command(program, { args: [...args], env, stdin: "null" }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (output.success) return text(output.stdout);
  throw new Error(
    `${program} ${args.join(" ")}: exit ${output.code}\n${text(output.stderr).trim()}`,
  );
}

/** Whether a program can be run here. */
export function has(program: string): boolean {
  return new Deno.Command("sh", {
    args: ["-c", 'command -v "$0"', program],
    stdout: "null",
    stderr: "null",
  })
    .outputSync().success;
}

/** What stands in a {@link interleave!Case} that needs programs: why it is skipped, if one of them cannot be run here. */
export function needing(...programs: readonly string[]): { readonly skip?: string } {
  const missing = programs.filter((program) => !has(program));
  return missing.length === 0 ? {} : { skip: `not installed: ${missing.join(", ")}` };
}

/** A program that distributions do not have: named by an environment variable, else looked for in PATH. */
export function named(variable: string, program: string): string {
  return Deno.env.get(variable) ?? program;
}
