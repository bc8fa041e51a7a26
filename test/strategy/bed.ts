/**
 * A store on a filesystem of its own, with images in it: the conformance suite has it.
 *
 * @module
 */

import type { LayerPipeline } from "../../src/layer/mod.ts";
import { Bed as SuiteBed } from "../../src/strategy/conformance/bed.ts";
import { SIMPLE } from "../../src/strategy/conformance/simple_image.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { file, hardlink, type TarPiece } from "../support/tar.ts";
import { sharedThreads } from "../support/threads.ts";

export { bytesOf } from "../../src/strategy/conformance/images/mod.ts";

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

/** The layers of the suite's ordinary image, with content in its index and a hard link from another directory too. */
export function ordinary(): TarPiece[][] {
  const [base, top] = SIMPLE.layers();
  return [
    [...base, file("var/lib/inline", "tiny"), hardlink("var/lib/tool-three", "usr/bin/tool")],
    top,
  ];
}
