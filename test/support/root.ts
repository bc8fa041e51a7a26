/**
 * What a test needs of the host, and how it says so when the host has it not.
 *
 * @module
 */

import { Fd, fsopen, privileges } from "../../src/linux/mod.ts";

/** Whether the tests run as root of the host. */
export const isRoot: boolean = privileges().euid === 0;

/** Why tests that need root cannot run; undefined if they can. */
export function notRoot(): string | undefined {
  return isRoot ? undefined : "not root";
}

/** Why tests that mount cannot run; undefined if they can. */
export function cannotMount(type = "tmpfs"): string | undefined {
  if (!privileges().capSysAdmin) return "no CAP_SYS_ADMIN";
  const n = fsopen(type);
  if (n < 0) return `the kernel cannot fsopen ${type}`;
  using _ = Fd.adopt(n);
  return undefined;
}

/** Why tests that need a program cannot run; undefined if it is in $PATH. */
export function lacks(program: string): string | undefined {
  return pathOf(program) === undefined ? `${program} is not installed` : undefined;
}

/** The path of a program in $PATH; undefined if it is not there. */
export function pathOf(program: string): string | undefined {
  const paths = (Deno.env.get("PATH") ?? "").split(":").map((folder) => `${folder}/${program}`);
  return paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * Name and `ignore` of a test that needs something: `Deno.test({ ...needs("mounts", cannotMount()), fn })`. An ignored test says
 * the first reason in its name.
 */
export function needs(
  name: string,
  ...reasons: (string | undefined)[]
): { name: string; ignore: boolean } {
  const reason = reasons.find((r) => r !== undefined);
  return reason === undefined
    ? { name, ignore: false }
    : { name: `${name} [cannot run here: ${reason}]`, ignore: true };
}
