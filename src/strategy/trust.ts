/**
 * Whether a plugin's file may run with root's rights.
 *
 * @module
 */

import { dirname } from "@std/path";
import { LaminaError } from "../error.ts";

/** What of a file or folder decides whether it is trusted. */
interface Owned {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
}

const WRITABLE_BY_OTHERS = 0o022;

/**
 * Why root must not load a file: it, or a folder above it, can be changed by somebody else. Both the path as given and what it leads to
 * are looked at, so that no link on the way is anybody else's either.
 *
 * @param path Absolute path of an existing file.
 * @returns The reason, or undefined where all is root's own.
 */
export function distrust(path: string): string | undefined {
  for (const start of new Set([path, Deno.realPathSync(path)])) {
    for (let at = start;; at = dirname(at)) {
      const reason = weakness(look(at));
      if (reason !== undefined) return reason;
      if (at === "/") break;
    }
  }
  return undefined;
}

/** The error for a file that root may not load. */
export class Distrusted extends LaminaError {
  /** @param reason See {@link distrust}. */
  constructor(file: string, reason: string) {
    super("unsupported", `root may not load ${file}: ${reason}`, {
      hint: "Keep plugins in a folder that only root can write, as are all folders above it.",
    });
  }
}

/**
 * Refuses a file that {@link distrust} has something against. Only root is so careful: others run nothing with rights that are not theirs.
 *
 * @throws {Distrusted}
 */
export function requireTrust(path: string): void {
  const reason = Deno.uid() === 0 ? distrust(path) : undefined;
  if (reason !== undefined) throw new Distrusted(path, reason);
}

function look(path: string): Owned {
  const link = Deno.lstatSync(path);
  // The mode of a symbolic link says nothing; who owns it does. What it leads to is looked at by its real path.
  return { path, uid: link.uid ?? 0, mode: link.isSymlink ? 0 : link.mode ?? 0 };
}

function weakness({ path, mode, uid }: Owned): string | undefined {
  if (uid !== 0) return `${path} belongs to user ${uid}, not to root`;
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    return `${path} can be written by others (mode ${
      (mode & 0o7777).toString(8).padStart(4, "0")
    })`;
  }
  return undefined;
}
