/**
 * A store on a filesystem of its own, with images in it: the conformance suite has it.
 *
 * @module
 */

import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";

export { Bed } from "../../src/strategy/conformance/bed.ts";
export { bytesOf } from "../../src/strategy/conformance/images/mod.ts";

let plugins: LoadedPlugin[] | undefined;

/** The built-in plugins. */
export async function builtInPlugins(): Promise<readonly LoadedPlugin[]> {
  return plugins ??= [...(await loadPlugins()).loaded];
}
