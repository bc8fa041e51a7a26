/**
 * A store on a filesystem of its own, with images in it: the conformance suite has it.
 *
 * @module
 */

import type { LayerPipeline } from "../../src/layer/mod.ts";
import { Bed as SuiteBed } from "../../src/strategy/conformance/bed.ts";
import { bytesOf } from "../../src/strategy/conformance/images/mod.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { directory, file, hardlink, symlink, type TarPiece } from "../support/tar.ts";
import { sharedThreads } from "../support/threads.ts";

export { bytesOf };

/** What {@link Bed.leftovers} says where all is released. */
export const NOTHING = { records: [], directories: [] };

/** A bed whose images come by the threads that all of a file's tests share. */
export class Bed extends SuiteBed {
  protected override get pipeline(): LayerPipeline {
    return sharedThreads(this.store.native);
  }
}

let plugins: LoadedPlugin[] | undefined;

/** The built-in plugins. */
export async function builtInPlugins(): Promise<readonly LoadedPlugin[]> {
  return plugins ??= [...(await loadPlugins()).loaded];
}

/** The layers of a small image with some of everything that an ordinary one has. */
export function ordinary(): TarPiece[][] {
  return [
    [
      directory("etc", { mode: 0o755 }),
      file("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
      file("etc/config", bytesOf(3000, 1)),
      directory("usr/bin"),
      file("usr/bin/tool", bytesOf(200_000, 2), { mode: 0o755 }),
      hardlink("usr/bin/tool-too", "usr/bin/tool"),
      file("usr/bin/small", bytesOf(5000, 3), { mode: 0o755 }),
      symlink("bin", "usr/bin"),
      directory("var/lib"),
      file("var/lib/state", bytesOf(40_000, 4)),
      file("var/lib/inline", "tiny"),
      hardlink("var/lib/tool-three", "usr/bin/tool"),
    ],
    [file("etc/motd", "hello"), file("usr/bin/small", bytesOf(6000, 5), { mode: 0o755 })],
  ];
}
