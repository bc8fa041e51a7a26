/**
 * A store on a filesystem of its own, with images in it: the conformance suite has it.
 *
 * @module
 */

import type { LayerPipeline } from "../../src/layer/mod.ts";
import { Bed as SuiteBed } from "../../src/strategy/conformance/bed.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import { sharedThreads } from "../support/threads.ts";

export { bytesOf } from "../../src/strategy/conformance/images/mod.ts";

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
