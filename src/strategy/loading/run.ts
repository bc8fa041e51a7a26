/**
 * Running the modules of a plugin that were read: they are put into a private directory, imported from there, and deleted at once.
 *
 * What is imported is so what was read and checked, whatever happened to the files since; it is the same in every thread; modules may import
 * each other in a circle; and nothing needs types stripped at run time, which a compiled program cannot do.
 *
 * @module
 */

import { dirname, toFileUrl } from "@std/path";
import { LaminaError } from "../../error.ts";
import { asError } from "./shape.ts";
import type { PluginCode, PluginModule } from "./source.ts";

/** A module's exports. */
export type Exports = Readonly<Record<string, unknown>>;

/** How plugins are run. */
export interface RunOptions {
  /** How long loading may take, in milliseconds; 10,000 by default. What blocks the thread cannot be interrupted from within. */
  readonly patience?: number;
  /** An empty directory of the caller's to work in, who deletes it where this thread is ended from without. */
  readonly directory?: string;
}

/**
 * Imports a plugin's modules.
 *
 * @returns The main module.
 * @throws {LaminaError} `invalid`, for what the modules throw, or where they do not end.
 */
export async function runPlugin(
  { modules }: PluginCode,
  { patience = 10_000, directory = privateDirectory() }: RunOptions,
): Promise<Exports> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (const module of modules) write(directory, module);
    const tooLong = new Promise<never>((_, reject) => {
      const reason = `its modules are not loaded after ${patience / 1000} s`;
      timer = setTimeout(() => reject(new LaminaError("invalid", reason)), patience);
    });
    return await Promise.race([importAll(directory, modules), tooLong]);
  } catch (cause) {
    if (cause instanceof LaminaError) throw cause;
    throw new LaminaError("invalid", describe(cause, directory, modules), { cause });
  } finally {
    clearTimeout(timer);
    Deno.removeSync(directory, { recursive: true });
  }
}

async function importAll(
  directory: string,
  modules: readonly PluginModule[],
): Promise<Exports> {
  const [main, ...others] = modules.filter((module) => !module.file.endsWith(".json"));
  const exports = await import(stagedUrl(directory, main));
  // Those that a function of the plugin imports later: the files will be gone then, but the modules be there.
  for (const other of others) await import(stagedUrl(directory, other));
  return exports;
}

/** Makes a directory that only this user can look into: in memory where there is a place for that. */
export function privateDirectory(): string {
  const places = Deno.uid() === 0
    ? ["/run", "/dev/shm", "/tmp"]
    : [Deno.env.get("XDG_RUNTIME_DIR") || "/dev/shm", undefined];
  let reason: unknown;
  for (const dir of places) {
    try {
      return Deno.makeTempDirSync({ dir, prefix: "lamina-plugin-" });
    } catch (error) {
      reason = error;
    }
  }
  throw new LaminaError("failed", `making a directory for it: ${(reason as Error).message}`, {
    cause: reason,
  });
}

function stagedUrl(directory: string, { place }: PluginModule): string {
  return toFileUrl(`${directory}/${place}`).href;
}

function write(directory: string, module: PluginModule): void {
  const path = `${directory}/${module.place}`;
  Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const suffix = module.file.endsWith(".json") ? "" : sourceMap(module);
  Deno.writeTextFileSync(path, module.text + suffix, { createNew: true, mode: 0o600 });
}

/** Makes stack traces name the plugin's own file: a source map in which every line is itself. */
function sourceMap({ file, text }: PluginModule): string {
  const lines = text.split("\n").length;
  const map = {
    version: 3,
    sources: [toFileUrl(file).href],
    names: [],
    mappings: `AAAA${";AACA".repeat(lines - 1)}`,
  };
  return `\n//# sourceMappingURL=data:application/json;base64,${btoa(JSON.stringify(map))}\n`;
}

/** What an error says, with the plugin's own files instead of those in the private directory. */
function describe(cause: unknown, directory: string, modules: readonly PluginModule[]): string {
  if (!(cause instanceof Error)) return asError(cause).message;
  // Deno's own parser shows the line of code below its message.
  const [message] = cause.message.split("\n");
  const where = cause.stack?.match(/\b(file:\/\/\/.*:\d+):\d+\)?$/m)?.[1];
  let text = where === undefined || message.includes(where) ? message : `${message} at ${where}`;
  for (const module of modules) {
    text = text.replaceAll(stagedUrl(directory, module), module.file)
      .replaceAll(toFileUrl(module.file).href, module.file);
  }
  return text.replaceAll(/\.(m?ts)\.js\b/g, ".$1");
}
