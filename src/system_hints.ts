/**
 * What to do about errors of the system that have a common cause.
 *
 * @module
 */

/** By name, as errno(3) has it. */
const HINTS = new Map([
  ["ENOSPC", "Free space on the store's filesystem, for example with lamina gc, and try again."],
  ["EDQUOT", "Raise the quota on the store's filesystem, or free space with lamina gc."],
  [
    "EROFS",
    "Mount the store's filesystem for writing. Without, lamina images, inspect, ps, df and fsck work.",
  ],
  ["EMFILE", "Raise the limit of open files (ulimit -n)."],
]);

/** What to do about an error of the system, of ours or of the runtime; undefined where nothing can be said in general. */
export function systemHint(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? HINTS.get(String(error.code)) : undefined;
}
