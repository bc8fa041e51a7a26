/**
 * What the compiled program is made of: few files instead of hundreds, for every module that a program loads costs a quarter of a
 * millisecond at its start, and nothing that the program does not use.
 *
 * @module
 */

import { basename, dirname, relative } from "@std/path";
import { parse } from "es-module-lexer/minimal/js";

/** The program's main module, from the root of the repository. */
const ENTRY = "src/cli/main.ts";

/** What new plugins are given to read. */
const CONTRACT = "src/strategy/plugin.ts";

/** A bundled program. */
export interface Program {
  /** Directory of the bundle. */
  readonly directory: string;
  /** The main module. */
  readonly entry: string;
  /** The modules that no static import leads to, and the texts that the program gives away. */
  readonly hidden: readonly string[];
}

/**
 * Bundles the program by `deno bundle`: what commands share goes into chunks, so that each still loads only what it needs.
 *
 * @throws {Error} Where bundling fails, or a module finds another by its own URL in a way that is not known here.
 */
export async function bundleProgram(root: string): Promise<Program> {
  const modules = hiddenModules(root);
  const texts = [CONTRACT, ...files(root, "plugins/template")];
  const directory = `${root}.cache/bundle`;
  await Deno.remove(directory, { recursive: true }).catch(() => {});
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--code-splitting",
      `--outdir=${directory}`,
      ...[ENTRY, ...modules].map((module) => `${root}${module}`),
    ],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (!success) throw new Error(`deno bundle: ${new TextDecoder().decode(stderr).trim()}`);
  // The bundle is a program of its own: nothing of the repository's configuration is for it.
  Deno.writeTextFileSync(`${directory}/deno.json`, "{}\n");
  const bundled = (file: string) =>
    `${directory}/${texts.includes(file) ? `${file}.txt` : file.replace(/ts$/, "js")}`;
  for (const file of texts) {
    Deno.mkdirSync(dirname(bundled(file)), { recursive: true });
    Deno.copyFileSync(`${root}${file}`, bundled(file));
  }
  const hidden = [...modules, ...texts];
  for (const file of files(directory, "").filter((file) => file.endsWith(".js"))) {
    const path = `${directory}/${file}`;
    const text = Deno.readTextFileSync(path);
    const moved = movedUrls(
      text,
      hidden,
      (module) => `./${relative(dirname(path), bundled(module))}`,
    );
    if (moved !== text) Deno.writeTextFileSync(path, moved);
  }
  return { directory, entry: bundled(ENTRY), hidden: hidden.map(bundled) };
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
