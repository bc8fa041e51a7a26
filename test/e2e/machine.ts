/**
 * A machine with nothing on it but the compiled program and the libraries that it is linked to: no Deno, no shell, no home.
 *
 * @module
 */

import { dirname } from "@std/path";
import { isRoot, lacks, pathOf } from "../support/root.ts";
import { BINARY } from "./program.ts";

/** Why there can be no such machine; undefined if there can. As another user the program is run as it is. */
export function cannotBeBare(): string | undefined {
  if (!isRoot) return undefined;
  return ["ldd", "unshare", "mount", "setpriv", "chroot"].map(lacks).find((reason) => reason);
}

/**
 * Makes a directory the root of such a machine.
 *
 * @returns The command that runs the program there, without the right to mount.
 */
export function bareMachine(root: string): readonly string[] {
  const ldd = new Deno.Command("ldd", { args: [BINARY] }).outputSync();
  const libraries = new TextDecoder().decode(ldd.stdout).match(/\/\S+/g) ?? [];
  for (const path of ["/proc", "/run", "/tmp", "/dev"]) Deno.mkdirSync(root + path);
  Deno.writeTextFileSync(`${root}/dev/null`, "");
  Deno.copyFileSync(BINARY, `${root}/lamina`);
  for (const path of libraries.filter((path) => path !== `${BINARY}:`)) {
    Deno.mkdirSync(dirname(root + path), { recursive: true });
    Deno.copyFileSync(path, root + path);
  }
  const [mount, setpriv, chroot] = ["mount", "setpriv", "chroot"].map(pathOf);
  const script = `${mount} --bind /dev/null "$0/dev/null" && ${mount} -t proc proc "$0/proc" &&
exec ${setpriv} --inh-caps=-sys_admin --bounding-set=-sys_admin ${chroot} "$0" /lamina "$@"`;
  return [pathOf("unshare")!, "--mount", "/bin/sh", "-c", script, root];
}
