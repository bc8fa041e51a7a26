/**
 * Reading an outside plugin: its main module and all that this imports, each file checked and read once, types stripped.
 *
 * @module
 */

import { dirname, fromFileUrl, relative, toFileUrl } from "@std/path";
import { parse } from "es-module-lexer/minimal/js";
import { LaminaError } from "../../error.ts";
import { requireTrust } from "../trust.ts";
import type { PluginCode, PluginModule } from "./source.ts";

const TYPESCRIPT = /\.m?ts$/;
const MODULE = /\.(m?[jt]s|json)$/;

/**
 * Reads a plugin.
 *
 * @param main Path of its main module. As root, neither that path nor what it leads to may be writable by others.
 * @param folder What its imports must not leave: its own folder.
 * @throws {LaminaError} `not-found`, `unsupported` (a file that root must not load), `invalid` (what cannot be parsed, or imports what a
 * plugin cannot have).
 */
export async function readPlugin(main: string, folder: string): Promise<PluginCode> {
  const modules: PluginModule[] = [];
  const raw: string[] = [];
  const pending = [main];
  const known = new Set(pending);
  for (let file = pending.shift(); file !== undefined; file = pending.shift()) {
    const { text, module, imports } = await readModule(file, folder);
    modules.push(module);
    raw.push(JSON.stringify([module.place, text]));
    for (const next of imports) {
      if (known.has(next)) continue;
      known.add(next);
      pending.push(next);
    }
  }
  return { modules, digest: await sha256(raw.join("\n")) };
}

interface ReadModule {
  readonly text: string;
  readonly module: PluginModule;
  readonly imports: readonly string[];
}

async function readModule(file: string, folder: string): Promise<ReadModule> {
  const text = readTrusted(file);
  const place = placeOf(relative(folder, file));
  if (file.endsWith(".json")) return { text, module: { file, place, text }, imports: [] };
  const script = TYPESCRIPT.test(file) ? await strip(file, text) : text;
  const { text: linked, imports } = link(file, folder, script);
  return { text, module: { file, place, text: linked }, imports };
}

function readTrusted(file: string): string {
  try {
    requireTrust(file);
    return Deno.readTextFileSync(file);
  } catch (cause) {
    if (cause instanceof LaminaError) throw cause;
    const missing = cause instanceof Deno.errors.NotFound;
    throw new LaminaError(missing ? "not-found" : "failed", (cause as Error).message, { cause });
  }
}

async function strip(file: string, text: string): Promise<string> {
  const { stripTypes } = await import("./typescript.ts");
  try {
    return stripTypes(text);
  } catch (cause) {
    throw new LaminaError("invalid", `${file}: ${(cause as Error).message}`, { cause });
  }
}

/** Puts the places of other modules where a module imports them, and says which these are. */
function link(file: string, folder: string, script: string) {
  const imports: string[] = [];
  let text = "";
  let done = 0;
  for (const { n: specifier, s: start, e: end, d: kind } of lex(file, script)) {
    let replacement: string;
    if (kind === IMPORT_META) {
      replacement = metaOf(file);
    } else {
      const next = specifier === undefined ? undefined : resolveImport(file, folder, specifier);
      if (next === undefined) continue;
      imports.push(next);
      replacement = JSON.stringify(placeOf(specifier!));
      // The lexer's range of a static import is without the quotes.
      if (kind === STATIC) replacement = replacement.slice(1, -1);
    }
    text += script.slice(done, start) + replacement;
    done = end;
  }
  return { text: text + script.slice(done), imports };
}

/** What the lexer says in `d` of what is not a dynamic import. */
const [STATIC, IMPORT_META] = [-1, -2];

function lex(file: string, script: string) {
  try {
    return parse(script)[0];
  } catch (cause) {
    const at = (cause as { idx?: number }).idx;
    const line = at === undefined ? "" : `:${script.slice(0, at).split("\n").length}`;
    throw new LaminaError("invalid", `${file}${line}: it cannot be parsed as a module`, { cause });
  }
}

/** The file that an import means; undefined for what the runtime itself has. */
function resolveImport(file: string, folder: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) return undefined;
  const refuse = (reason: string, hint?: string) =>
    new LaminaError("invalid", `${file} imports "${specifier}": ${reason}`, { hint });
  if (!/^\.\.?\//.test(specifier)) {
    throw refuse(
      "a plugin can import its own files, by relative paths, and node: modules",
      "Types of the contract come by `import type`; other packages have to be bundled into the plugin.",
    );
  }
  const url = new URL(specifier, toFileUrl(file));
  if (url.search !== "" || url.hash !== "") throw refuse("it must be a path, without ? and #");
  const next = fromFileUrl(url);
  if (!next.startsWith(`${folder}/`)) {
    throw refuse(`that leads out of the plugin's folder, ${folder}`);
  }
  if (!MODULE.test(next)) {
    throw refuse("it must name a file with its ending: .js, .mjs, .ts, .mts or .json");
  }
  if (!isFile(next)) throw refuse("there is no such file", nearby(next));
  return next;
}

function nearby(file: string): string | undefined {
  const other = file.replace(/js$/, "ts");
  return other !== file && isFile(other) ? `Import the file by its own name: ${other}` : undefined;
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** TypeScript becomes JavaScript, in name too: else a runtime that knows types would strip them again. */
function placeOf(path: string): string {
  return TYPESCRIPT.test(path) ? `${path}.js` : path;
}

/** What `import.meta` is for a module: that of its file, not of where it runs. */
function metaOf(file: string): string {
  const meta = { url: toFileUrl(file).href, filename: file, dirname: dirname(file), main: false };
  return `(${JSON.stringify(meta)})`;
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
