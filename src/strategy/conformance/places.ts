/**
 * Where the suite runs: filesystems made for it, or directories that somebody names.
 *
 * @module
 */

import {
  AT_FDCWD,
  Fd,
  fstatfs,
  type MountInfo,
  O_DIRECTORY,
  O_RDONLY,
  readMounts,
  removeTree,
} from "../../linux/mod.ts";
import type { LoadedPlugin } from "../loader.ts";
import { Bed, unmountBelow } from "./bed.ts";
import type { CaseResult } from "./experiment.ts";
import { available, LoopFs, type LoopKind } from "./loopfs.ts";
import { type RunOptions, runSuite } from "./run.ts";

/** A place to try a strategy at. */
export type Place =
  | { readonly kind: "made"; readonly filesystem: LoopKind }
  | { readonly kind: "directory"; readonly path: string };

/** What came of the suite at one place. */
export interface PlaceReport {
  /** `xfs`, or the directory's path. */
  readonly place: string;
  /** Type of the filesystem. */
  readonly filesystem: string;
  /** Why nothing was tried there; undefined if it was. */
  readonly skipped?: string;
  readonly cases: readonly CaseResult[];
}

/** Room for all images and their copies, in MiB; the file is sparse. */
const SIZE = 1024;

/** Runs the suite at a place, and leaves nothing there. */
export async function checkAt(
  place: Place,
  plugin: LoadedPlugin,
  options: RunOptions,
): Promise<PlaceReport> {
  if (place.kind === "made") {
    const { filesystem } = place;
    const skipped = available(filesystem);
    if (skipped !== undefined) return { place: filesystem, filesystem, skipped, cases: [] };
    await using fs = await LoopFs.make(filesystem, SIZE);
    return {
      place: filesystem,
      filesystem,
      cases: await runSuite(new Bed(fs.path), plugin, options),
    };
  }
  const { path } = place;
  using folder = new Folder(path);
  const cases = await runSuite(new Bed(folder.path), plugin, options);
  return { place: path, filesystem: filesystemOf(path), cases };
}

/** A directory of our own in a directory of somebody's. */
class Folder implements Disposable {
  readonly path: string;

  constructor(parent: string) {
    this.path = Deno.realPathSync(Deno.makeTempDirSync({ dir: parent, prefix: ".lamina-check-" }));
  }

  [Symbol.dispose](): void {
    unmountBelow(this.path);
    removeTree(AT_FDCWD, this.path);
  }
}

function filesystemOf(path: string): string {
  const real = Deno.realPathSync(path);
  const holds = ({ path: mount }: MountInfo) =>
    mount === "/" || real === mount || real.startsWith(`${mount}/`);
  const mounts = readMounts().filter(holds).sort((a, b) => a.path.length - b.path.length);
  if (mounts.length > 0) return mounts.at(-1)!.type;
  using directory = Fd.open(real, O_RDONLY | O_DIRECTORY);
  return `0x${fstatfs(directory.n).type.toString(16)}`;
}
