/**
 * The compiled program's own loader. The program is one script, and beside it lies what V8 had made of it when the binary was built: then nothing is
 * parsed or compiled at the start, which would take three times as long as the rest of a short command.
 *
 * V8 looks whether its version and settings are those that it was made by; where they are not, it compiles the script as ever.
 *
 * @module
 */

import { Script } from "node:vm";
import type * as everything from "./everything.ts";

/** The program, loaded. */
export interface Program {
  /** See {@link everything!main}. */
  readonly main: typeof everything.main;
  /** What V8 has made of it by now. */
  code(): Uint8Array;
  /** Whether there was code of before, and V8 took it. */
  readonly wasCompiled: boolean;
}

/** The script is this function: a CommonJS module of which no `import` is left. */
type Module = (
  module: { exports?: typeof everything },
  here: string,
  load: (url: string) => Promise<unknown>,
  require: (name: string) => unknown,
) => void;

/** @param code What {@link Program.code} said when the binary was built. */
export function loadProgram(code?: Uint8Array): Program {
  const url = new URL("./program.txt", import.meta.url);
  const script = new Script(Deno.readTextFileSync(url), { filename: url.href, cachedData: code });
  const module: Parameters<Module>[0] = {};
  const run: Module = script.runInThisContext();
  const load = (wanted: string) => {
    const plugin = /\/([^/]+)\.js$/.exec(wanted)?.[1] ?? "";
    const isOwn = wanted === new URL(`./plugins/${plugin}.js`, url).href;
    return isOwn && plugins[plugin]?.() || import(wanted);
  };
  run(module, url.href, load, process.getBuiltinModule);
  const { main, plugins } = module.exports!;
  return {
    main,
    code: () => script.createCachedData(),
    wasCompiled: script.cachedDataRejected === false,
  };
}
