/**
 * Loading plugins: the built-in ones from the copies that the program carries, others from files and folders. Outside plugins are read,
 * checked and run by loading/.
 *
 * @module
 */

import { resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import { VERSION } from "../version.ts";
import { type Found, locate, type PluginOrigin } from "./loading/search.ts";
import { asError, checkPlugin } from "./loading/shape.ts";
import type { RunOptions } from "./loading/run.ts";
import type { PluginSource } from "./loading/source.ts";
import type { Plugin } from "./plugin.ts";
import { requireTrust } from "./trust.ts";

/** The built-in plugins, `plugins/NAME.ts`, in the order that decides between equal estimates. */
export const BUILT_IN: readonly string[] = [
  "overlay",
  "composefs",
  "btrfs-snapshot",
  "reflink",
  "hardlink",
  "copy",
];

/** A plugin that is ready for use. */
export interface LoadedPlugin {
  /** What it is chosen by. */
  readonly name: string;
  /** One line about it. */
  readonly summary: string;
  /** Its own version; that of the program for built-in ones; `0` for one that does not say. */
  readonly version: string;
  /** Where it came from. */
  readonly source: PluginSource;
  /** Who named it; undefined for a built-in one. */
  readonly origin?: PluginOrigin;
  /** What is odd about it, but no reason to refuse it. */
  readonly warning?: string;
  /** What its module exports. */
  readonly plugin: Plugin;
}

/** A plugin that could not be loaded. */
export interface FailedPlugin {
  /** Its name as far as it is known, else that of its file or folder. */
  readonly name: string;
  /** Its file or folder; undefined for a built-in one. */
  readonly file: string | undefined;
  /** Who named it; undefined for a built-in one. */
  readonly origin?: PluginOrigin;
  /** Why it could not be loaded. */
  readonly error: LaminaError;
}

/** What {@link loadPlugins} found. */
export interface Plugins {
  /** Those that are ready for use, in the order of preference. */
  readonly loaded: readonly LoadedPlugin[];
  /** Those that could not be loaded. */
  readonly failed: readonly FailedPlugin[];
}

/** Which plugins to load. */
export interface LoadOptions {
  /** Files and folders of outside plugins; relative ones from the working directory. */
  readonly files?: readonly string[];
  /** What {@link findPlugins} found; after {@link files}. */
  readonly found?: readonly Found[];
  /** How long an outside plugin may take to load, in milliseconds; 10,000 by default. */
  readonly patience?: number;
}

/** Where a built-in plugin is. The URL is put together here so that nothing but this function depends on the layout of folders. */
export function builtIn(name: string): PluginSource {
  return { url: new URL(`../../plugins/${name}.ts`, import.meta.url).href, file: undefined };
}

/**
 * Loads the built-in plugins and outside ones. One that fails is reported among the failed, and the others go on. Of two with one name the
 * first is taken, the other fails; the same file, by whatever path, is loaded once.
 */
export async function loadPlugins(options: LoadOptions = {}): Promise<Plugins> {
  const { files = [], found = [] } = options;
  const named = files.map((file): Found => ({ path: resolve(file), origin: "--plugin" }));
  const results = await Promise.all([
    ...BUILT_IN.map((name) => attempt(name, undefined, () => loadPlugin(builtIn(name)))),
    ...unique([...named, ...found]).map((one) =>
      attempt(one.path.replace(/^.*\//, ""), one, () => loadFound(one, options.patience))
    ),
  ]);
  const loaded: LoadedPlugin[] = [];
  const failed: FailedPlugin[] = [];
  for (const result of results) {
    if ("error" in result) {
      failed.push(result);
      continue;
    }
    const { name, source, origin } = result;
    const other = loaded.find((plugin) => plugin.name === name);
    if (other === undefined) {
      loaded.push(result);
    } else {
      const error = new LaminaError(
        "invalid",
        `loading plugin ${source.file}: it calls itself ${name}, as ${
          other.source.file ?? "a built-in plugin"
        } does`,
        { hint: "Give it a name of its own, or remove one of the two." },
      );
      failed.push({ name, file: source.file, origin, error });
    }
  }
  return { loaded, failed };
}

/** Leaves away what is the same file or folder as one before it. */
function unique(found: readonly Found[]): Found[] {
  const known = new Set<string>();
  return found.filter(({ path }) => {
    const key = mainModuleOf(path) ?? path;
    return !known.has(key) && known.add(key);
  });
}

function mainModuleOf(path: string): string | undefined {
  try {
    return locate(path).source.file;
  } catch {
    // Loading it says why.
    return undefined;
  }
}

async function attempt(
  name: string,
  found: Found | undefined,
  load: () => Promise<LoadedPlugin>,
): Promise<LoadedPlugin | FailedPlugin> {
  try {
    return await load();
  } catch (error) {
    return { name, file: found?.path, origin: found?.origin, error: error as LaminaError };
  }
}

async function loadFound({ path, origin }: Found, patience = 10_000): Promise<LoadedPlugin> {
  const { expectedName, source } = await named(path, () => readSource(path));
  const { tryPlugin } = await import("./loading/trial.ts");
  await named(source.file, () => tryPlugin(source, patience));
  const plugin = await loadPlugin(source);
  const warning = plugin.name === expectedName
    ? undefined
    : `it calls itself ${plugin.name}, but its file is named ${expectedName}`;
  return { ...plugin, origin, warning };
}

/** Reads a plugin: which is its main module, and what is the code of all its modules. */
async function readSource(path: string) {
  const { source, folder, expectedName } = locate(path);
  requireTrust(path);
  const { readPlugin } = await import("./loading/read.ts");
  const code = await readPlugin(source.file, folder);
  return { expectedName, source: { ...source, code } };
}

/**
 * Loads one plugin, in this thread: a loop without end in it would hold that up. {@link loadPlugins} tries outside ones in another before.
 *
 * @param options `directory`: an empty directory to run an outside one from, which the caller deletes where this thread is ended from without.
 * @throws {LaminaError} `not-found`, `unsupported` (another contract, or a file that others can write) or `invalid` (no plugin in it).
 */
export async function loadPlugin(
  source: PluginSource,
  options: { readonly directory?: string } = {},
): Promise<LoadedPlugin> {
  const { file } = source;
  return await named(file ?? source.url.replace(/^.*\//, "built-in "), async () => {
    const read = file === undefined || source.code ? source : (await readSource(file)).source;
    const plugin = checkPlugin((await run(read, options)).default);
    return {
      name: plugin.name,
      summary: plugin.summary,
      version: plugin.version ?? (file === undefined ? VERSION : "0"),
      source: read,
      plugin,
    };
  });
}

async function run(
  { url, code }: PluginSource,
  options: RunOptions,
): Promise<{ readonly default?: unknown }> {
  if (code === undefined) return await import(url);
  const { runPlugin } = await import("./loading/run.ts");
  return await runPlugin(code, options);
}

/** Says in an error which plugin it is about. */
async function named<T>(name: string, work: () => Promise<T>): Promise<T> {
  const doing = `loading plugin ${name}: `;
  try {
    return await work();
  } catch (cause) {
    const { message } = asError(cause);
    const { kind, hint } = cause instanceof LaminaError
      ? cause
      : { kind: "invalid" as const, hint: undefined };
    // What another thread says about it has the plugin's name in it already.
    const text = message.startsWith(doing) ? message : doing + message;
    throw new LaminaError(kind, text, { hint, cause });
  }
}
