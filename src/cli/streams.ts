/**
 * Files and standard input, as commands read and write them.
 *
 * @module
 */

import { dirname, resolve } from "@std/path";
import { LaminaError } from "../error.ts";

/**
 * Reads a whole file, or standard input for `-`.
 *
 * @throws {LaminaError} `not-found` or `failed`, with the file's name.
 */
export async function readInput(file: string): Promise<Uint8Array> {
  if (file === "-") return new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer());
  try {
    return await Deno.readFile(file);
  } catch (cause) {
    throw fileError("reading", file, cause);
  }
}

/**
 * Writes a file as a whole: a reader sees the old content or the new one. What is not a regular file (/dev/stdout, a fifo) is written to.
 *
 * @throws {LaminaError} `failed`, with the file's name.
 */
export function writeOutput(file: string, bytes: Uint8Array): void {
  const draft = `${file}.${Deno.pid}.tmp`;
  try {
    if (isSpecial(file)) {
      Deno.writeFileSync(file, bytes);
      return;
    }
    Deno.writeFileSync(draft, bytes, { createNew: true });
    Deno.renameSync(draft, file);
  } catch (cause) {
    try {
      Deno.removeSync(draft);
    } catch {
      // It was never made.
    }
    throw fileError("writing", file, cause);
  }
}

/**
 * Says what would keep {@link writeOutput} from writing, for those who work long before they do.
 *
 * @throws {LaminaError} `not-found` or `usage`, with the file's name.
 */
export function checkOutput(file: string): void {
  realPath(dirname(resolve(file)), "writing in");
  if (isDirectory(file)) throw new LaminaError("usage", `writing ${file}: it is a directory`);
}

/**
 * The real path of an existing directory.
 *
 * @throws {LaminaError} `not-found` or `failed`; `usage` where it is something else.
 */
export function realPath(directory: string, doing: string): string {
  try {
    if (!Deno.statSync(directory).isDirectory) {
      throw new LaminaError("usage", `${doing} ${directory}: it is not a directory`);
    }
    return Deno.realPathSync(directory);
  } catch (cause) {
    throw cause instanceof LaminaError ? cause : fileError(doing, directory, cause);
  }
}

function isDirectory(file: string): boolean {
  try {
    return Deno.statSync(file).isDirectory;
  } catch {
    return false;
  }
}

function isSpecial(file: string): boolean {
  try {
    const info = Deno.statSync(file);
    return !info.isFile && !info.isDirectory;
  } catch {
    return false;
  }
}

function fileError(doing: string, file: string, cause: unknown): LaminaError {
  const missing = cause instanceof Deno.errors.NotFound;
  // Deno's message ends in the path and the call, which are said here already.
  const reason = cause instanceof Error
    ? cause.message.replace(/: [a-z]+ '.*$/s, "")
    : String(cause);
  return new LaminaError(missing ? "not-found" : "failed", `${doing} ${file}: ${reason}`, {
    cause,
  });
}
