/**
 * Loading plugins: the built-in ones from the copies that the program carries, others from files, all by the same way.
 *
 * @module
 */

import { resolve, toFileUrl } from "@std/path";
import { LaminaError } from "../error.ts";
import { VERSION } from "../version.ts";
import type { Plugin } from "./plugin.ts";
import { distrust } from "./trust.ts";

/** The version of the contract that this program speaks. */
export const API_VERSION = 1;

/** The built-in plugins, `plugins/NAME.ts`, in the order that decides between equal estimates. */
export const BUILT_IN: readonly string[] = [
  "overlay",
  "composefs",
  "btrfs-snapshot",
  "reflink",
  "hardlink",
  "copy",
];

/** Where a plugin comes from; plain data, so that another thread can load it again. */
export interface PluginSource {
  /** URL of its module. */
  readonly url: string;
  /** Its file; undefined for a built-in one. */
  readonly file: string | undefined;
}

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
  /** What its module exports. */
  readonly plugin: Plugin;
}

/** A plugin that could not be loaded. */
export interface FailedPlugin {
  /** Its name as far as it is known, else the file's. */
  readonly name: string;
  /** Its file; undefined for a built-in one. */
  readonly file: string | undefined;
  /** Why it could not be loaded. */
  readonly error: LaminaError;
}

/** What {@link loadPlugins} found. */
export interface Plugins {
  /** Those that are ready for use. */
  readonly loaded: readonly LoadedPlugin[];
  /** Those that could not be loaded. */
  readonly failed: readonly FailedPlugin[];
}

/** Which plugins to load. */
export interface LoadOptions {
  /** Files of outside plugins; relative ones from the working directory. */
  readonly files?: readonly string[];
}

/** Where a built-in plugin is. The URL is put together here so that nothing but this function depends on the layout of folders. */
export function builtIn(name: string): PluginSource {
  return { url: new URL(`../../plugins/${name}.ts`, import.meta.url).href, file: undefined };
}

/** Loads the built-in plugins and the files. One that fails is reported among the failed, and the others go on. */
export async function loadPlugins(options: LoadOptions = {}): Promise<Plugins> {
  const sources = [
    ...BUILT_IN.map(builtIn),
    ...(options.files ?? []).map((file) => resolve(file)).map((file) => ({
      url: toFileUrl(file).href,
      file,
    })),
  ];
  const results = await Promise.all(sources.map(attempt));
  const loaded: LoadedPlugin[] = [];
  const failed: FailedPlugin[] = [];
  for (const result of results) {
    if ("error" in result) {
      failed.push(result);
      continue;
    }
    const other = loaded.find((plugin) => plugin.name === result.name);
    if (other === undefined) {
      loaded.push(result);
    } else {
      const error = refusal(
        result.source,
        `it calls itself ${result.name}, as ${other.source.file ?? "a built-in plugin"} does`,
        "Give it a name of its own.",
      );
      failed.push({ name: result.name, file: result.source.file, error });
    }
  }
  return { loaded, failed };
}

async function attempt(source: PluginSource): Promise<LoadedPlugin | FailedPlugin> {
  try {
    return await loadPlugin(source);
  } catch (cause) {
    const error = cause instanceof LaminaError
      ? cause
      : refusal(source, String(cause), undefined, cause);
    return { name: source.url.replace(/^.*\//, ""), file: source.file, error };
  }
}

/**
 * Loads one plugin.
 *
 * @throws {LaminaError} `not-found`, `unsupported` (another contract, or a file that others can write) or `invalid` (no plugin in it).
 */
export async function loadPlugin(source: PluginSource): Promise<LoadedPlugin> {
  if (source.file !== undefined) checkFile(source, source.file);
  let module: { default?: unknown };
  try {
    module = await import(source.url);
  } catch (cause) {
    throw refusal(source, cause instanceof Error ? cause.message : String(cause), undefined, cause);
  }
  const plugin = checkShape(source, module.default);
  return {
    name: plugin.name,
    summary: plugin.summary,
    version: plugin.version ?? (source.file === undefined ? VERSION : "0"),
    source,
    plugin,
  };
}

function checkFile(source: PluginSource, file: string): void {
  let info: Deno.FileInfo;
  try {
    info = Deno.statSync(file);
  } catch (cause) {
    throw new LaminaError("not-found", `loading plugin ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
  if (!info.isFile) throw refusal(source, "it is not a file", "Name the plugin's main module.");
  // Nothing strips types in a compiled program, so that the import would end in a SyntaxError.
  if (Deno.build.standalone && /\.[mc]?ts$/.test(file)) {
    throw new LaminaError(
      "unsupported",
      `loading plugin ${file}: this program cannot read TypeScript plugins yet`,
      {
        hint: "Strip its types first, for instance: npx esbuild PLUGIN.ts --outfile=PLUGIN.js",
      },
    );
  }
  const reason = Deno.uid() === 0 ? distrust(file) : undefined;
  if (reason !== undefined) {
    throw new LaminaError("unsupported", `loading plugin ${file} as root: ${reason}`, {
      hint: "Keep plugins in a folder that only root can write, as are all folders above it.",
    });
  }
}

function checkShape(source: PluginSource, value: unknown): Plugin {
  if (typeof value !== "object" || value === null) {
    throw refusal(source, "its default export is not a plugin object", "See plugins/README.md.");
  }
  const plugin = value as Partial<Plugin>;
  if (plugin.apiVersion !== API_VERSION) {
    throw new LaminaError(
      "unsupported",
      `${describe(source)}: it is written for version ${
        String(plugin.apiVersion)
      } of the contract; this is version ${API_VERSION}`,
      { hint: "Get the plugin in the version that fits this lamina." },
    );
  }
  if (typeof plugin.name !== "string" || !/^[a-z0-9][a-z0-9-]{0,31}$/.test(plugin.name)) {
    throw refusal(source, "its name is not 1 to 32 lower-case letters, digits and -");
  }
  if (plugin.name === "auto") throw refusal(source, 'the name "auto" is taken');
  if (typeof plugin.summary !== "string" || plugin.summary.includes("\n")) {
    throw refusal(source, "its summary is not one line of text");
  }
  if (plugin.version !== undefined && typeof plugin.version !== "string") {
    throw refusal(source, "its version is not a string");
  }
  if (typeof plugin.create !== "function") throw refusal(source, "it has no function create(host)");
  return plugin as Plugin;
}

function describe(source: PluginSource): string {
  return `loading plugin ${source.file ?? source.url.replace(/^.*\//, "built-in ")}`;
}

function refusal(
  source: PluginSource,
  reason: string,
  hint?: string,
  cause?: unknown,
): LaminaError {
  return new LaminaError("invalid", `${describe(source)}: ${reason}`, { hint, cause });
}
