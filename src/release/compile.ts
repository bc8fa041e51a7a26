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
import { userDirectory } from "../user_directory.ts";
import { runCommand } from "./command.ts";
import { npmBase } from "./denort.ts";
import { bundleProgram, sources } from "./program.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));

const V8_FLAGS: readonly string[] = [
  // Not more for what was made last: each of a pull's threads would take up to 48 MB more, and it would not be faster.
  "--max-semi-space-size=4",
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
    const found = await compiler(args(rehearsal, hidden));
    await runCommand(draft, [directory], { cwd: ROOT });
    await runCompiler(found, args(entry, hidden));
    Deno.renameSync(draft, output);
    return found.how;
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
  const failures: string[] = [];
  for (const find of [withOwnBase, withNpmBase]) {
    try {
      const found = await find();
      await runCompiler(found, args);
      return found;
    } catch (error) {
      failures.push((error as Error).message);
    }
  }
  throw new Error(failures.join("\n"));
}

function withOwnBase(): Compiler {
  return { how: `Deno ${Deno.version.deno} and its own base`, command: [Deno.execPath()] };
}

async function withNpmBase(): Promise<Compiler> {
  const caches = userDirectory("XDG_CACHE_HOME") ?? `${ROOT}.cache`;
  const { version, path } = await npmBase(`${caches}/lamina`);
  return {
    how:
      `Deno ${version} and a base out of npm (the base of ${Deno.version.deno} could not be downloaded)`,
    command: ["npx", "-y", `deno@${version}`],
    env: { DENORT_BIN: path },
  };
}

async function runCompiler({ command, env }: Compiler, args: readonly string[]): Promise<void> {
  const [program, ...first] = command;
  await runCommand(program, [...first, ...args], { cwd: ROOT, env });
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
