/**
 * Plugins of tests, and folders that root trusts.
 *
 * @module
 */

import { dirname } from "@std/path";
import { isRoot } from "./root.ts";
import { TempDir } from "./temp.ts";

/** A folder that root loads plugins from: the system's temporary one is everybody's. */
export function trustedFolder(): TempDir {
  return new TempDir(isRoot ? "/root" : Deno.env.get("HOME"));
}

/** Writes files into a folder, by their paths in it. */
export function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    Deno.mkdirSync(dirname(`${folder}/${path}`), { recursive: true });
    Deno.writeTextFileSync(`${folder}/${path}`, text);
  }
}

/** The shortest plugin: it loads, and works nowhere. */
export function minimal(name: string): string {
  return `const traits = {
  result: "directory", access: ["ro"], isolation: "full", survivesReboot: true, privilege: "none", integrity: false, upper: false,
};
const strategy = { traits, probe: () => ({ works: false, reason: "tests need none" }), compose() {}, release() {} };
export default { apiVersion: 1, name: "${name}", summary: "a test", version: "7", create: () => strategy };
`;
}
