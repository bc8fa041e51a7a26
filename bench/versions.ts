/**
 * Who takes part, in which version.
 *
 * @module
 */

import { CFSCTL } from "./peers/composefs.ts";

/** Programs that say a version when they are asked. */
const PROGRAMS = [
  "cp",
  "rsync",
  "umoci",
  "skopeo",
  "podman",
  "fuse-overlayfs",
  "ostree",
  "containerd",
  CFSCTL,
] as const;

/** One line for each program that is here. */
export function versions(lamina: string): string[] {
  return [lamina, ...PROGRAMS].flatMap((program) => {
    const found = versionOf(program);
    return found === undefined ? [] : [`${program.split("/").at(-1)} ${found}`];
  });
}

function versionOf(program: string): string | undefined {
  try {
    const { stdout } = new Deno.Command(program, {
      args: ["--version"],
      env: { NO_COLOR: "1" },
      stderr: "null",
    }).outputSync();
    const text = new TextDecoder().decode(stdout);
    // Some say those of their libraries first: what comes after the program's name is meant.
    const own = text.slice(Math.max(0, text.indexOf(`${program}:`)));
    return /\d+\.\d+[^\s',]*/.exec(own)?.[0];
  } catch {
    return undefined;
  }
}
