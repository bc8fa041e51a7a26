/**
 * Programs that are installed on this host.
 *
 * @module
 */

import { AT_FDCWD, Stat, statx } from "../linux/mod.ts";

const S_IFMT = 0o170000;
const S_IFREG = 0o100000;
const ANYBODY_EXECUTES = 0o111;

/**
 * The path of a program in $PATH; undefined where there is none. Relative directories in $PATH are passed over: what is found would depend on
 * where one stands.
 *
 * @param name Without a slash.
 */
export function findProgram(name: string): string | undefined {
  if (name === "" || name.includes("/")) return undefined;
  const stat = new Stat();
  for (const directory of (Deno.env.get("PATH") ?? "").split(":")) {
    if (!directory.startsWith("/")) continue;
    const path = `${directory}/${name}`;
    if (statx(AT_FDCWD, path, 0, stat) !== 0) continue;
    if ((stat.mode & S_IFMT) === S_IFREG && (stat.mode & ANYBODY_EXECUTES) !== 0) return path;
  }
  return undefined;
}
