/**
 * Errors that a plugin's code throws while nobody waits for it: in a timer, or as a promise that nobody has. They would end the process.
 *
 * @module
 */

import { toFileUrl } from "@std/path";
import type { Found } from "./search.ts";
import { asError } from "./shape.ts";

/**
 * Keeps such errors from ending the process, from now on, where their traces lead to one of the plugins.
 *
 * @param report Called with the plugin's file or folder and what was thrown.
 */
export function catchStray(
  plugins: readonly Found[],
  report: (path: string, error: Error) => void,
): void {
  const urls = plugins.map(({ path }) => ({ path, url: toFileUrl(realPath(path)).href }));
  const judge = (event: Event, thrown: unknown, file = "") => {
    const error = asError(thrown);
    const trace = `${file}\n${error.stack}`;
    const own = urls.find(({ url }) => trace.includes(`${url}:`) || trace.includes(`${url}/`));
    if (own === undefined) return;
    event.preventDefault();
    report(own.path, error);
  };
  globalThis.addEventListener("error", (event) => judge(event, event.error, `${event.filename}:`));
  globalThis.addEventListener("unhandledrejection", (event) => judge(event, event.reason));
}

function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    // It is not there, and will not be loaded.
    return path;
  }
}
