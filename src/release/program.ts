/**
 * What the compiled program is made of: one script for all commands, a few modules for other threads, plugins and large libraries, and nothing that
 * the program does not use. Why a script: see script.ts.
 *
 * @module
 */

import { basename, dirname, relative } from "@std/path";
import { parse } from "es-module-lexer/minimal/js";

/** The program, from the root of the repository. */
const PROGRAM = "src/release/everything.ts";

/** What begins it. */
const START = "src/release/start.ts";

/** What makes its code. */
const REHEARSAL = "src/release/rehearsal.ts";

/** The script, and what V8 makes of it. */
const [SCRIPT, CODE] = ["program.txt", "program.code"];

/** Modules with large libraries, which few commands need and which share nothing with the rest, as they are imported: they stay out of the script. */
const LARGE: Readonly<Record<string, string>> = {
  "../page/benchmark.ts": "src/cli/page/benchmark.ts",
  "./typescript.ts": "src/strategy/loading/typescript.ts",
};

/** What new plugins are given to read. */
const CONTRACT = "src/strategy/plugin.ts";

/** A bundled program. */
export interface Program {
  /** Directory of the bundle. */
  readonly directory: string;
  /** The main module. */
  readonly entry: string;
  /** The script, the modules that no static import leads to, and the texts that the program gives away. */
  readonly hidden: readonly string[];
  /** The main module of the program that makes {@link code}: its argument is where that is to be. */
  readonly rehearsal: string;
  /** Where the code of the script goes, without which the main module does not start. */
  readonly code: string;
}

/**
 * Bundles the program by `deno bundle`.
 *
 * @throws {Error} Where bundling fails, or a module finds another by its own URL in a way that is not known here.
 */
export async function bundleProgram(root: string): Promise<Program> {
  const modules = [...hiddenModules(root), ...Object.values(LARGE)];
  const texts = [CONTRACT, ...files(root, "plugins/template")];
  const directory = `${root}.cache/bundle`;
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  const split = ["--code-splitting", `--outdir=${directory}`];
  await bundle(root, [...split, ...modules.map((module) => `${root}${module}`)]);
  const bundled = (file: string) =>
    `${directory}/${texts.includes(file) ? `${file}.txt` : file.replace(/ts$/, "js")}`;
  for (const main of [START, REHEARSAL]) {
    await bundle(root, [`--output=${bundled(main)}`, `${root}${main}`]);
  }
  const script = `${directory}/${SCRIPT}`;
  const external = Object.keys(LARGE).map((module) => `--external=${module}`);
  await bundle(root, ["--format=cjs", ...external, `--output=${script}`, `${root}${PROGRAM}`]);
  // The bundle is a program of its own: nothing of the repository's configuration is for it.
  Deno.writeTextFileSync(`${directory}/deno.json`, "{}\n");
  for (const file of texts) {
    Deno.mkdirSync(dirname(bundled(file)), { recursive: true });
    Deno.copyFileSync(`${root}${file}`, bundled(file));
  }
  const hidden = [...modules, ...texts, SCRIPT];
  const placeFrom = (path: string) => (file: string) =>
    `./${relative(dirname(path), bundled(file))}`;
  for (const file of files(directory, "").filter((file) => file.endsWith(".js"))) {
    const path = `${directory}/${file}`;
    const text = Deno.readTextFileSync(path);
    const moved = movedUrls(text, [...hidden, CODE], placeFrom(path));
    if (moved !== text) Deno.writeTextFileSync(path, moved);
  }
  Deno.writeTextFileSync(
    script,
    scriptOf(Deno.readTextFileSync(script), hidden, placeFrom(script)),
  );
  return {
    directory,
    entry: bundled(START),
    hidden: hidden.map(bundled),
    rehearsal: bundled(REHEARSAL),
    code: `${directory}/${CODE}`,
  };
}

async function bundle(root: string, args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform=deno", ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr).trim()}`);
}

/** The modules that are found by their URL: built-in plugins and workers. Paths from the root of the repository. */
function hiddenModules(root: string): string[] {
  return [
    // Not the examples, which are in folders of their own.
    ...files(root, "plugins").filter((file) => /^plugins\/[^/]+\.ts$/.test(file)),
    ...files(root, "src").filter((file) => file.endsWith("worker.ts")),
  ].sort();
}

/** All files that the program is made from, this folder's included. Paths from the root of the repository. */
export function sources(root: string): string[] {
  return [...files(root, "plugins"), ...files(root, "src"), "deno.json", "deno.lock"];
}

/** What the bundler puts at the head of all modules for the sake of CommonJS packages: it costs every start 4 ms. */
const REQUIRE =
  /import \{ createRequire as (\w+) \} from "node:module";\s*var __require = \1\(import\.meta\.url\);/;
const LAZY_REQUIRE =
  'var __require = (name) => process.getBuiltinModule("node:module").createRequire(import.meta.URL)(name);';

const URL_OF_MODULE = /new URL\((["'`])([^"'`]+)\1, import\.meta\.url\)/g;

/**
 * A bundle's modules have moved: puts the new places where they look for workers (`./NAME_worker.ts`), plugins
 * (`../../plugins/${name}.ts`) and texts.
 *
 * @param text A file of the bundle.
 * @param hidden What can be meant.
 * @param place The path of such a module from this file.
 * @throws {Error} For an `import.meta.url` of another kind.
 */
export function movedUrls(
  text: string,
  hidden: readonly string[],
  place: (module: string) => string,
): string {
  const moved = text.replace(REQUIRE, LAZY_REQUIRE).replace(
    URL_OF_MODULE,
    (_whole, _quote, path: string) => {
      const plugin = /\/plugins\/(\$\{\w+\})\.ts$/.exec(path)?.[1];
      const matches = hidden.filter((module) => basename(module) === basename(path));
      if (plugin === undefined && matches.length !== 1) {
        throw new Error(`bundle: ${path} is ${matches.length} of the modules ${hidden.join(", ")}`);
      }
      const found = plugin === undefined
        ? place(matches[0])
        : place("plugins/-.ts").replace("-.js", `${plugin}.js`);
      return `new URL(\`${found}\`, import.meta.URL)`;
    },
  );
  const unknown = parse(moved)[0].find(({ d: kind, s: at }) =>
    kind === IMPORT_META && moved.startsWith("import.meta.url", at)
  );
  if (unknown !== undefined) {
    throw new Error(`bundle: what does this mean? ${lineAt(moved, unknown.s)}`);
  }
  return moved.replaceAll("import.meta.URL", "import.meta.url");
}

/**
 * Makes a script for `loadProgram` of a bundle that is a CommonJS module: what only modules have comes in as a parameter. Only ASCII, of which V8 keeps
 * half as many bytes as of anything else.
 *
 * Parameters as in {@link movedUrls}.
 *
 * @throws {Error} For a module that is neither in the bundle nor known here.
 */
export function scriptOf(
  text: string,
  hidden: readonly string[],
  place: (module: string) => string,
): string {
  const moved = movedUrls(
    text.replace(/\bimport_meta\d*\.url\b/g, "import.meta.url"),
    hidden,
    place,
  );
  let script = "";
  let done = 0;
  for (const { ss: start, s: from, e: to, d: kind } of parse(moved)[0]) {
    if (kind === IMPORT_META) {
      script += `${moved.slice(done, start)}__here`;
      done = start + "import.meta.url".length;
    } else if (kind >= 0) {
      const specifier = moved.slice(from, to);
      const large = LARGE[specifier.slice(1, -1)];
      const url = large === undefined ? specifier : `new URL("${place(large)}", __here).href`;
      script += `${moved.slice(done, start)}__load(${url}`;
      done = to;
    }
  }
  script += moved.slice(done);
  const foreign = /\brequire\("(?!node:)[^"]*"\)/.exec(script)?.[0];
  if (foreign !== undefined) throw new Error(`bundle: the script has a ${foreign}`);
  const ascii = script.replace(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `(function (module, __here, __load, require) {${ascii}\n})`;
}

/** What the lexer says in `d` of an `import.meta`. Others stand in texts, as in the compiler that the program carries. */
const IMPORT_META = -2;

function lineAt(text: string, place: number): string {
  const end = text.indexOf("\n", place);
  return text.slice(text.lastIndexOf("\n", place) + 1, end < 0 ? undefined : end).trim();
}

function files(root: string, directory: string): string[] {
  const base = root.endsWith("/") ? root : `${root}/`;
  return [...Deno.readDirSync(`${base}${directory}`)].flatMap((entry) => {
    const path = directory === "" ? entry.name : `${directory}/${entry.name}`;
    return entry.isDirectory ? files(base, path) : [path];
  });
}
