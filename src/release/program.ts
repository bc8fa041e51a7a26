/**
 * What the compiled program is made of: a script of parts for all commands, a few modules for other threads and plugins, and nothing that the program does not
 * use. Why a script: see script.ts.
 *
 * @module
 */

import { basename, dirname, relative } from "@std/path";
import { gzipSync } from "node:zlib";
import { parse } from "es-module-lexer/minimal/js";
import { partOf } from "./parts.ts";
import { CODE, PARTS, SCRIPT } from "./script.ts";

/** The program, from the root of the repository. */
const PROGRAM = "src/release/everything.ts";

/** What begins it. */
const START = "src/release/start.ts";

/** What makes its script. */
const REHEARSAL = "src/release/rehearsal.ts";

/** What new plugins are given to read. */
const CONTRACT = "src/strategy/plugin.ts";

/** A bundled program. */
export interface Program {
  /** Directory of the bundle; where the script and its code go. */
  readonly directory: string;
  /** The main module. */
  readonly entry: string;
  /** The parts, the modules that no static import leads to, and the texts that the program gives away: files and directories. */
  readonly hidden: readonly string[];
  /** The main module of the program that makes {@link made}: its argument is {@link directory}. */
  readonly rehearsal: string;
  /** The files that it makes, without which the main module does not start. */
  readonly made: readonly string[];
}

/**
 * Bundles the program by `deno bundle`.
 *
 * @throws {Error} Where bundling fails, or a module finds another by its own URL in a way that is not known here.
 */
export async function bundleProgram(root: string): Promise<Program> {
  const modules = hiddenModules(root);
  const texts = [CONTRACT, ...files(root, "plugins/template")];
  const directory = `${root}.cache/bundle`;
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  const split = (name: string) => ["--code-splitting", `--outdir=${directory}/${name}`];
  await bundle(root, [...split(""), ...modules.map((module) => `${root}${module}`)]);
  const bundled = (file: string) =>
    `${directory}/${texts.includes(file) ? `${file}.txt` : file.replace(/ts$/, "js")}`;
  for (const main of [START, REHEARSAL]) {
    await bundle(root, [`--output=${bundled(main)}`, `${root}${main}`]);
  }
  await bundle(root, [...split(PARTS), `${root}${PROGRAM}`]);
  // The bundle is a program of its own: nothing of the repository's configuration is for it.
  Deno.writeTextFileSync(`${directory}/deno.json`, "{}\n");
  for (const file of texts) {
    Deno.mkdirSync(dirname(bundled(file)), { recursive: true });
    Deno.copyFileSync(`${root}${file}`, bundled(file));
  }
  const changing = changingVariables(root);
  const places = [...modules, ...texts, SCRIPT, CODE];
  for (const file of files(directory, "").filter((file) => file.endsWith(".js"))) {
    const path = `${directory}/${file}`;
    const isPart = file.startsWith(`${PARTS}/`);
    // Parts look from where the script is.
    const from = isPart ? directory : dirname(path);
    const text = Deno.readTextFileSync(path);
    const moved = movedUrls(text, places, (place) => `./${relative(from, bundled(place))}`);
    if (isPart) writePart(path, moved, changing);
    else if (moved !== text) Deno.writeTextFileSync(path, moved);
  }
  return {
    directory,
    entry: bundled(START),
    hidden: [...[...modules, ...texts].map(bundled), `${directory}/${PARTS}`],
    rehearsal: bundled(REHEARSAL),
    made: [SCRIPT, CODE].map((file) => `${directory}/${file}`),
  };
}

/** Puts a part into the place of its module. Compressed: the runtime reads the whole program at each start, and most of it is seldom asked for. */
function writePart(module: string, text: string, changing: readonly string[]): void {
  Deno.writeFileSync(module.replace(/js$/, "gz"), gzipSync(partOf(text, changing), { level: 9 }));
  Deno.removeSync(module);
}

/** What modules export and assign to later. */
function changingVariables(root: string): string[] {
  return sources(root).filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [...Deno.readTextFileSync(`${root}${file}`).matchAll(/^export let (\w+)/gm)])
    .map(([, name]) => name);
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

/** What the lexer says in `d` of an `import.meta`. */
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
