/**
 * Places for inputs that are files.
 *
 * @module
 */

import { FAST } from "../support/temp.ts";

/** A path of its own, in memory where that can be; made when it is first asked for and removed with the process. */
export function scratch(name: string): () => string {
  let path: string | undefined;
  return () => {
    if (path === undefined) {
      const directory = Deno.makeTempDirSync({ dir: FAST, prefix: "lamina-fuzz-" });
      globalThis.addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));
      path = `${directory}/${name}`;
    }
    return path;
  };
}
