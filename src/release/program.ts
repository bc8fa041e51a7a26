/**
 * What the compiled program is made of: a script, further parts, and nothing that the program does not use. What that is, and why: see script.ts.
 *
 * @module
 */

import { basename, dirname, relative } from "@std/path";
import { gzipSync } from "node:zlib";
import { parse } from "es-module-lexer/minimal/js";
import { partOf } from "./parts.ts";
import { CODE, PARTS, SCRIPT, scriptOf } from "./script.ts";

/** The program, from the root of the repository. */
const PROGRAM = "src/release/everything.ts";

/** What begins it. */
const START = "src/release/start.ts";

/** What makes its script. */
const REHEARSAL = "src/release/rehearsal.ts";

/** What its other threads begin with. */
const WORKER = "src/release/worker.ts";

/** What new plugins are given to read. */
const CONTRACT = "src/strategy/plugin.ts";

/** A bundled program. */
export interface Program {
  /** Directory of the bundle. */
  readonly directory: string;
  /** The main module. */
  readonly entry: string;
  /** What no import leads to: the script, its code, the parts, the modules of other threads, and the texts that the program gives away. */
  readonly hidden: readonly string[];
  /** The main module of the program that makes script and code, which are empty before: its argument is {@link directory}. */
  readonly rehearsal: string;
}

/**
 * Bundles the program by `deno bundle`.
 *
 * @throws {Error} Where bundling fails, or a module finds another by its own URL in a way that is not known here.
 */
export async function bundleProgram(root: string): Promise<Program> {
  const workers = files(root, "src").filter((file) =>
    /[/_]worker\.ts$/.test(file) && file !== WORKER
  );
  const listed = Deno.readTextFileSync(`${root}${PROGRAM}`);
  const forgotten = workers.find((worker) => !listed.includes(`import("../${worker.slice(4)}")`));
  if (forgotten !== undefined) throw new Error(`bundle: ${forgotten} is not in ${PROGRAM}`);
  const texts = [CONTRACT, ...files(root, "plugins/template")];
  const directory = `${root}.cache/bundle`;
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  const bundled = (file: string) =>
    `${directory}/${texts.includes(file) ? `${file}.txt` : file.replace(/ts$/, "js")}`;
  for (const main of [START, REHEARSAL, WORKER]) {
    await bundle(root, [`--output=${bundled(main)}`, `${root}${main}`]);
  }
  const parts = `${directory}/${PARTS}`;
  await bundle(root, ["--code-splitting", `--outdir=${parts}`, `${root}${PROGRAM}`]);
  // The bundle is a program of its own: nothing of the repository's configuration is for it.
  write(`${directory}/deno.json`, "{}\n");
  write(`${directory}/${SCRIPT}`, scriptOf(new Map()));
  write(`${directory}/${CODE}`, "");
  for (const file of texts) write(bundled(file), Deno.readTextFileSync(`${root}${file}`));
  const places = [...workers, ...texts, SCRIPT, CODE];
  const moved = (file: string, from: string) =>
    movedUrls(
      Deno.readTextFileSync(file),
      places,
      (place) => `./${relative(from, bundled(place))}`,
    );
  for (const main of [START, REHEARSAL, WORKER].map(bundled)) {
    write(main, moved(main, dirname(main)));
  }
  const changing = changingVariables(root);
  for (const file of files(parts, "")) {
    const module = `${parts}/${file}`;
    // Parts look from where the script is.
    writePart(module, partOf(moved(module, directory), changing));
  }
  for (const worker of workers) {
    const start = `./${relative(dirname(bundled(worker)), bundled(WORKER))}`;
    const name = basename(worker, ".ts");
    write(bundled(worker), `import { work } from "${start}";\nawait work("${name}");\n`);
  }
  return {
    directory,
    entry: bundled(START),
    hidden: [...places.map(bundled), parts],
    rehearsal: bundled(REHEARSAL),
  };
}

function write(path: string, text: string): void {
  Deno.mkdirSync(dirname(path), { recursive: true });
  Deno.writeTextFileSync(path, text);
}

/**
 * Puts a part into the place of its module. Compressed: the runtime reads the whole program at each start, and most of it is seldom asked for.
 */
function writePart(module: string, part: string): void {
  Deno.writeFileSync(`${module.slice(0, -"js".length)}gz`, gzipSync(part, { level: 9 }));
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
