/**
 * The filesystems that are composed on.
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

/**
 * Makes a fresh filesystem. Returns why it cannot be made here.
 *
 * @param on Has a directory for each kind, on such a filesystem, to use instead and to keep.
 */
export async function makeFilesystem(kind: string, on?: string): Promise<Mounted | string> {
  if (on !== undefined) {
    return { path: `${on}/${kind}`, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (kind === "tmpfs") return makeTmpfs();
  return available(kind as LoopKind) ?? await LoopFs.make(kind as LoopKind, SIZE_MIB);
}

function makeTmpfs(): Mounted | string {
  if (Deno.uid() !== 0) return "not root";
  const path = Deno.makeTempDirSync({ prefix: "lamina-tmpfs-" });
  run("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MIB}m`, "tmpfs", path]);
  return {
    path,
    [Symbol.asyncDispose]: () => {
      run("umount", ["-R", "-l", path]);
      Deno.removeSync(path);
      return Promise.resolve();
    },
  };
}
