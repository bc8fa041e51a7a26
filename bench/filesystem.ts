/**
 * The filesystems that are measured on.
 *
 * @module
 */

import { available, LOOP_KINDS, LoopFs, type LoopKind } from "../test/support/loopfs.ts";
import { run } from "./tool.ts";

/** All kinds. */
export const KINDS: readonly string[] = [...LOOP_KINDS, "tmpfs"];

const SIZE_MIB = 24 * 1024;

/** A directory on a filesystem; what was made for it is gone when it is disposed of. */
export interface Mounted extends AsyncDisposable {
  readonly path: string;
}

/** Whether files can share extents on a kind (FICLONE). */
export function sharesExtents(kind: string): boolean {
  return kind === "xfs" || kind === "btrfs";
}

/** Makes a filesystem of a kind that can be made here. */
export function freshFilesystem(kind: string): Promise<Mounted> {
  return kind === "tmpfs" ? makeTmpfs() : LoopFs.make(kind as LoopKind, SIZE_MIB);
}

/**
 * A filesystem to use for a while. Returns why there is none.
 *
 * @param on Has a directory for each kind, on such a filesystem, to use instead of a fresh one, and to keep.
 */
export async function findFilesystem(kind: string, on?: string): Promise<Mounted | string> {
  if (on !== undefined) {
    return { path: `${on}/${kind}`, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  return cannotMake(kind) ?? await freshFilesystem(kind);
}

function cannotMake(kind: string): string | undefined {
  if (kind !== "tmpfs") return available(kind as LoopKind);
  return Deno.uid() === 0 ? undefined : "not root";
}

function makeTmpfs(): Promise<Mounted> {
  const path = Deno.makeTempDirSync({ prefix: "lamina-tmpfs-" });
  run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", path]);
  return Promise.resolve({
    path,
    [Symbol.asyncDispose]: () => {
      run("umount", ["-R", "-l", path]);
      Deno.removeSync(path);
      return Promise.resolve();
    },
  });
}
