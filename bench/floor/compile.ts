/**
 * The floors: programs in C that do the same system calls as a contestant, and nothing else.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { run } from "../tool.ts";

/**
 * Compiles `NAME.c` of this directory. Returns the program's path.
 *
 * @param into The directory that gets the program.
 * @param flags Libraries, and what else the compiler is to know.
 */
export function compileFloor(name: string, into: string, ...flags: readonly string[]): string {
  const program = `${into}/${name}`;
  run("cc", ["-O2", "-o", program, fromFileUrl(new URL(`${name}.c`, import.meta.url)), ...flags]);
  return program;
}
