/**
 * Programs to measure against: run, timed from outside, and said to be missing where they are.
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
    args: ["-c", `command -v ${program}`],
    stdout: "null",
    stderr: "null",
  })
    .outputSync().success;
}

/** The first line that a program says of its version. */
export function version(program: string, argument = "--version"): string {
  try {
    return run(program, [argument]).trim().split("\n")[0];
  } catch {
    return `${program}: not installed`;
  }
}
