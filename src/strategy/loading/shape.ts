/**
 * Whether what a plugin hands over has the shape that the contract asks for. Plugins are not type-checked when they are loaded.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { API_VERSION, type Plugin } from "../plugin.ts";

/** Whether a plugin may have a name. `auto` is what leaves the choice to lamina. */
export function isPluginName(name: unknown): boolean {
  return typeof name === "string" && name !== "auto" && /^[a-z0-9][a-z0-9-]{0,31}$/.test(name);
}

/**
 * Checks the default export of a plugin's main module.
 *
 * @throws {LaminaError} `unsupported` for another version of the contract, `invalid` for what is no plugin.
 */
export function checkPlugin(value: unknown): Plugin {
  const invalid = (reason: string, hint?: string) => new LaminaError("invalid", reason, { hint });
  if (typeof value !== "object" || value === null) {
    throw invalid("its default export is not a plugin object", "See plugins/README.md.");
  }
  const plugin = value as Partial<Plugin>;
  if (plugin.apiVersion !== API_VERSION) {
    throw new LaminaError(
      "unsupported",
      `it is written for version ${
        String(plugin.apiVersion)
      } of the contract; this is version ${API_VERSION}`,
      { hint: "Get the plugin in the version that fits this lamina." },
    );
  }
  if (plugin.name === "auto") throw invalid('the name "auto" is taken');
  if (!isPluginName(plugin.name)) {
    throw invalid("its name is not 1 to 32 lower-case letters, digits and -");
  }
  if (typeof plugin.summary !== "string" || plugin.summary.includes("\n")) {
    throw invalid("its summary is not one line of text");
  }
  if (plugin.version !== undefined && typeof plugin.version !== "string") {
    throw invalid("its version is not a string");
  }
  if (typeof plugin.create !== "function") throw invalid("it has no function create(host)");
  return plugin as Plugin;
}
