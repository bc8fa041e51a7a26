/**
 * The rules for a composition's target.
 *
 * @module
 */

import { basename, dirname, resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  ENOENT,
  ENOTDIR,
  Stat,
  statx,
} from "../linux/mod.ts";
import { Layout } from "../store/mod.ts";
import { S_IFDIR, S_IFLNK, S_IFMT } from "../tree/mod.ts";
import { isMountPoint } from "./filesystem.ts";

/** A target that passed. */
export interface Target {
  /** Its absolute path, without links on the way. */
  readonly path: string;
  /** Whether it is not there, and has to be made. */
  readonly missing: boolean;
  /** Owner and mode, if it is there. */
  readonly was: TargetMetadata | undefined;
}

/** What an existing target had before it became a composition, and has again after release. */
export interface TargetMetadata {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/**
 * A target's path without links on the way to it; the target itself need not be there, nor be what it was.
 *
 * @throws {LaminaError} `usage`: no file can have that name.
 */
export function canonicalTarget(target: string): string {
  // A surrogate without its other half would be another name on disk than on record.
  if (target.includes("\0") || !target.isWellFormed()) {
    throw new LaminaError("usage", `the path ${JSON.stringify(target)} is no name of a file`, {
      hint: "Name a path of Unicode without NUL.",
    });
  }
  const path = resolve(target);
  try {
    return resolve(Deno.realPathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

/**
 * Checks that a composition can be made at a path: it does not exist, in a directory that does, or it is an empty directory.
 *
 * @param storeRoot The store, in which no target can be but those of commands that run, in a directory of their own.
 * @throws {LaminaError} `exists`, `usage` or `not-found`.
 */
export function checkTarget(target: string, storeRoot: string): Target {
  const doing = `composing at ${target}`;
  const path = canonicalTarget(target);
  const store = Deno.realPathSync(storeRoot);
  const inside = path === store || path.startsWith(`${store}/`);
  if (inside && dirname(path) !== new Layout(store).run) {
    throw new LaminaError("usage", `${doing}: it is inside the store ${storeRoot}`, {
      hint: "Name a target outside the store.",
    });
  }
  const info = lookAt(path);
  if (info === undefined) {
    checkParent(doing, dirname(path));
    return { path, missing: true, was: undefined };
  }
  const type = info.mode & S_IFMT;
  if (type === S_IFLNK) {
    throw new LaminaError("usage", `${doing}: it is a symbolic link`, {
      hint: `Name what it leads to: ${resolve(dirname(path), Deno.readLinkSync(path))}`,
    });
  }
  if (type !== S_IFDIR) {
    throw new LaminaError("exists", `${doing}: it exists and is not a directory`, { hint: OTHER });
  }
  if (isMountPoint(path)) {
    throw new LaminaError("exists", `${doing}: something is mounted there`, {
      hint: "If that is a composition: lamina release it; else unmount it, or name another target.",
    });
  }
  for (const entry of Deno.readDirSync(path)) {
    const reason = `the directory is not empty (it holds ${entry.name})`;
    throw new LaminaError("exists", `${doing}: ${reason}`, { hint: OTHER });
  }
  const was = { mode: info.mode & 0o7777, uid: info.uid, gid: info.gid };
  return { path, missing: false, was };
}

const OTHER = "Name a target that does not exist yet, or an empty directory.";

function lookAt(path: string): Stat | undefined {
  const stat = new Stat();
  const result = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat);
  // A file where a directory should be on the way: the parent's check says so.
  if (result === -ENOENT || result === -ENOTDIR) return undefined;
  check(result, "statx", path);
  return stat;
}

function checkParent(doing: string, parent: string): void {
  const info = lookAt(parent);
  if (info !== undefined && (info.mode & S_IFMT) === S_IFDIR) return;
  const reason = info === undefined ? "does not exist" : "is not a directory";
  throw new LaminaError("not-found", `${doing}: ${parent} ${reason}`, {
    hint: `Make it first: mkdir -p ${parent}`,
  });
}
