/**
 * Plugins that are in no file, and what most of them say of themselves. They work in one thread.
 *
 * @module
 */

import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import type { Cost, Plugin, Traits } from "../../src/strategy/plugin.ts";

/** A strategy that makes directories, and needs nothing. */
export const DIRECTORY: Traits = {
  result: "directory",
  access: ["ro", "rw"],
  isolation: "full",
  survivesReboot: true,
  privilege: "none",
  integrity: false,
  upper: false,
};

/** A millisecond, however large the tree is. */
export const COST: Cost = {
  fixedMs: 1,
  msPerLayer: 0,
  usPerDirectory: 0,
  usPerFile: 0,
  usPerMiB: 0,
};

/** A plugin, as if it had been loaded. */
export function inMemory(name: string, create: Plugin["create"]): LoadedPlugin {
  return {
    name,
    summary: "",
    version: "1",
    source: { url: "data:,", file: undefined },
    plugin: { apiVersion: 1, name, summary: "", create },
  };
}
