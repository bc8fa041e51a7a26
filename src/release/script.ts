/**
 * The compiled program's own loader. The program is a number of parts, functions that each were a module; what most starts need of them is one script, and
 * beside it lies what V8 had made of that when the binary was built: then nothing of it is parsed or compiled at the start, which would take three times as long
 * as the rest of a short command. The other parts lie compressed beside it, each by itself.
 *
 * V8 looks whether its version and settings are those that it was made by; where they are not, it compiles the script as ever.
 *
 * @module
 */

import { Script } from "node:vm";
import type * as everything from "./everything.ts";

/** The files of the script and of what V8 has made of it, and the directory of the parts that are not in it. */
export const [SCRIPT, CODE, PARTS] = ["program.txt", "program.code", "parts"];

/** A part: is run once, and returns what it exports. See parts.ts. */
type Part = (
  part: (name: string) => unknown,
  here: string,
  load: (url: string) => Promise<unknown>,
  require: (name: string) => unknown,
) => unknown;

/** The script that has some parts. */
export function scriptOf(parts: ReadonlyMap<string, string>): string {
  return `({\n${[...parts].map(([name, text]) => `"${name}": ${text}`).join(",\n")}})`;
}

/** The file of a part, from where the script is. A name is how the bundler has it: `./NAME.js`. */
export function partFile(name: string): string {
  return name.replace(/^\.(.*)js$/, `./${PARTS}$1gz`);
}

/** The program, loaded. */
export interface Program {
  /** See {@link everything!main}. */
  readonly main: typeof everything.main;
  /** Runs the module of another thread, one of {@link everything!workers}. */
  work(name: string): Promise<unknown>;
  /** The parts that were run by now and are not in the script: their functions' texts by their names. */
  readonly rare: ReadonlyMap<string, string>;
  /** What V8 has made of the script by now. */
  code(): Uint8Array;
  /** Whether there was code of before, and V8 took it. */
  readonly wasCompiled: boolean;
}

/**
 * Loads the program.
 *
 * @param text The script; the one that the binary was built with by default.
 * @param code What {@link Program.code} said of it.
 */
export function loadProgram(
  text: string = Deno.readTextFileSync(new URL("./program.txt", import.meta.url)),
  code: Uint8Array = Deno.readFileSync(new URL("./program.code", import.meta.url)),
): Program {
  const { href } = new URL("./program.txt", import.meta.url);
  const script = new Script(text, { filename: href, cachedData: code });
  const usual: Record<string, Part> = script.runInThisContext();
  const rare = new Map<string, string>();
  const exports = new Map<string, unknown>();
  const part = (name: string): unknown => {
    let exported = exports.get(name);
    if (exported === undefined) {
      exported = (usual[name] ?? find(name))(part, href, load, process.getBuiltinModule);
      exports.set(name, exported);
    }
    return exported;
  };
  const find = (name: string): Part => {
    const url = new URL(partFile(name), href);
    const { gunzipSync } = process.getBuiltinModule("node:zlib");
    const text = new TextDecoder().decode(gunzipSync(Deno.readFileSync(url)));
    rare.set(name, text);
    return new Script(`(${text})`, { filename: url.href }).runInThisContext();
  };
  const load = async (wanted: string): Promise<unknown> => {
    if (wanted.startsWith("./")) return part(wanted);
    const plugin = /\/([^/]+)\.js$/.exec(wanted)?.[1] ?? "";
    const isOwn = wanted === new URL(`./plugins/${plugin}.js`, href).href;
    return await (isOwn ? plugins[plugin]() : import(wanted));
  };
  const { main, plugins, workers } = part("./everything.js") as typeof everything;
  return {
    main,
    work: (name) => workers[name](),
    rare,
    code: () => script.createCachedData(),
    wasCompiled: script.cachedDataRejected === false,
  };
}
