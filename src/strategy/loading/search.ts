/**
 * Where outside plugins are looked for.
 *
 * In this order, which also decides between two plugins of one name: what `--plugin` names, what `$LAMINA_PLUGINS` names, the user's
 * directory (`$XDG_CONFIG_HOME/lamina/plugins`, or `~/.config/…`), the system's (`/etc/lamina/plugins.d`). Built-in plugins stand before all
 * of them: their names cannot be taken.
 *
 * @module
 */

import { basename, dirname, resolve, toFileUrl } from "@std/path";
import { LaminaError } from "../../error.ts";
import { AT_FDCWD, ENOENT, Stat, statx } from "../../linux/mod.ts";
import { userDirectory } from "../../user_directory.ts";
import type { PluginSource } from "./source.ts";

/** Who named a plugin: a flag, a variable, or the directory that it lies in. */
export type PluginOrigin = "--plugin" | "$LAMINA_PLUGINS" | `/${string}`;

/** A plugin's file or folder, as it was named or found. */
export interface Found {
  /** Absolute path. */
  readonly path: string;
  /** Who named it. */
  readonly origin: PluginOrigin;
}

/** What {@link findPlugins} goes by. */
export interface SearchOptions {
  /** What `--plugin` names; relative paths are from the working directory. */
  readonly files?: readonly string[];
  /** Reads an environment variable; the process's own by default. */
  readonly environment?: (name: string) => string | undefined;
  /** The system's directory; `/etc/lamina/plugins.d` by default. */
  readonly system?: string;
}

/** The system's directory of plugins. */
export const SYSTEM_PLUGINS = "/etc/lamina/plugins.d";

/**
 * Finds outside plugins, without reading any. A directory that is not there has none; one that cannot be read is found itself, so that
 * loading it says why.
 */
export function findPlugins(options: SearchOptions = {}): Found[] {
  const { files = [], environment = (name) => Deno.env.get(name), system = SYSTEM_PLUGINS } =
    options;
  const variable = (environment("LAMINA_PLUGINS") ?? "").split(":").filter((path) => path !== "");
  const user = userPlugins(environment);
  return [
    ...files.map((file): Found => ({ path: resolve(file), origin: "--plugin" })),
    ...variable.map((path): Found => ({ path: resolve(path), origin: "$LAMINA_PLUGINS" })),
    ...(user === undefined ? [] : scan(user)),
    ...scan(system),
  ];
}

/** The user's directory of plugins; undefined where the user has no home. */
function userPlugins(environment: (name: string) => string | undefined): string | undefined {
  const config = userDirectory("XDG_CONFIG_HOME", environment);
  return config === undefined ? undefined : `${config}/lamina/plugins`;
}

const MODULE = /\.m?[jt]s$/;

/** The plugins in a directory, by their names: modules and folders, but for hidden ones, declarations and tests. */
function scan(directory: string): Found[] {
  const origin = directory as PluginOrigin;
  // Most have none: an exception for that would cost every start half a millisecond.
  if (statx(AT_FDCWD, directory, 0, new Stat()) === -ENOENT) return [];
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(directory)];
  } catch (error) {
    return error instanceof Deno.errors.NotFound ? [] : [{ path: directory, origin }];
  }
  return entries
    .filter(({ name }) => !name.startsWith(".") && !/(\.d|[._]test)\.m?[jt]s$/.test(name))
    .filter((entry) => MODULE.test(entry.name) || isDirectory(`${directory}/${entry.name}`))
    .map(({ name }) => `${directory}/${name}`)
    .sort()
    .map((path) => ({ path, origin }));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}

/** The main module of a folder is the first of these that it has. */
export const MAIN_MODULES: readonly string[] = ["main", "mod", "index"].flatMap((name) =>
  ["ts", "mts", "js", "mjs"].map((ending) => `${name}.${ending}`)
);

/** A plugin whose main module is known. */
export interface Located {
  /** Its main module; not read yet. */
  readonly source: PluginSource & { readonly file: string };
  /** The folder that its imports must not leave. */
  readonly folder: string;
  /** What the plugin should be called: the name of its folder, or of its file without the ending. */
  readonly expectedName: string;
}

/**
 * Finds a plugin's main module: the file itself, by its real path, or in a folder the first of {@link MAIN_MODULES}.
 *
 * @param path Absolute path of a file or folder.
 * @throws {LaminaError} `not-found`; `invalid` for what is neither, and for a folder without a main module.
 */
export function locate(path: string): Located {
  let real: string;
  let info: Deno.FileInfo;
  try {
    real = Deno.realPathSync(path);
    info = Deno.statSync(real);
  } catch (cause) {
    const missing = cause instanceof Deno.errors.NotFound;
    throw new LaminaError("not-found", missing ? "it is not there" : (cause as Error).message, {
      cause,
    });
  }
  if (info.isDirectory) return located(mainModule(real), real, basename(path));
  if (!info.isFile || !MODULE.test(real)) {
    throw new LaminaError("invalid", "it is neither a module nor a folder", {
      hint: "Name a .js, .mjs, .ts or .mts file, or a folder with a main module.",
    });
  }
  return located(real, dirname(real), basename(path).replace(MODULE, ""));
}

function located(file: string, folder: string, expectedName: string): Located {
  return { source: { url: toFileUrl(file).href, file }, folder, expectedName };
}

function mainModule(folder: string): string {
  for (const name of MAIN_MODULES) {
    try {
      if (Deno.statSync(`${folder}/${name}`).isFile) return `${folder}/${name}`;
    } catch {
      // Then perhaps the next.
    }
  }
  throw new LaminaError("invalid", "the folder has no main module", {
    hint: `Call it main.ts or main.js; also taken: ${MAIN_MODULES.join(", ")}.`,
  });
}
