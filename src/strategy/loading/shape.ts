/**
 * Whether what a plugin hands over has the shape that the contract asks for. Plugins are not type-checked when they are loaded.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import {
  API_VERSION,
  type Cost,
  type Host,
  type Made,
  type Plugin,
  type Strategy,
  type Traits,
} from "../plugin.ts";

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

/**
 * Makes a plugin's strategy, and checks it. What its functions throw is an Error then, and what its compose() returns is checked too.
 *
 * @throws {LaminaError} `invalid`, where create(host) throws too.
 */
export function makeStrategy(plugin: Plugin, host: Host): Strategy {
  try {
    return guarded(checkStrategy(plugin.create(host)));
  } catch (cause) {
    if (cause instanceof LaminaError && cause.kind === "invalid") throw cause;
    throw new LaminaError("invalid", `its create(host) failed: ${asError(cause).message}`, {
      cause,
    });
  }
}

function guarded(strategy: Strategy): Strategy {
  return {
    traits: { ...strategy.traits },
    place: strategy.place?.bind(strategy),
    probe: (site) => attempt(() => strategy.probe(site)),
    compose: async (job) => checkMade(await attempt(() => strategy.compose(job))),
    release: (composition) => attempt(() => strategy.release(composition)),
  };
}

async function attempt<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw asError(thrown);
  }
}

/** What was thrown, as an Error: anything can be thrown. */
export function asError(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new LaminaError("failed", `it threw ${shown(thrown)}, which is no Error`);
}

function checkMade(value: unknown): Made {
  const notes = (value as Partial<Made> | null | undefined)?.notes ?? {};
  const wrong = typeof value !== "object" || typeof notes !== "object" ||
    Object.values(notes).some((note) => typeof note !== "string" && !Number.isFinite(note));
  if (value === null || wrong) {
    throw new LaminaError(
      "invalid",
      "its compose() returned no object with notes, text or numbers",
    );
  }
  return value as Made;
}

function checkStrategy(value: unknown): Strategy {
  const invalid = (reason: string) => new LaminaError("invalid", reason);
  if (typeof value !== "object" || value === null) {
    throw invalid("its create(host) makes no strategy object");
  }
  const strategy = value as Partial<Strategy>;
  for (const name of ["probe", "compose", "release"] as const) {
    if (typeof strategy[name] !== "function") throw invalid(`its strategy has no ${name}()`);
  }
  if (strategy.place !== undefined && typeof strategy.place !== "function") {
    throw invalid("its strategy's place is no function");
  }
  const { traits } = strategy;
  if (typeof traits !== "object" || traits === null) throw invalid("its strategy has no traits");
  const wrong = (Object.keys(TRAITS) as (keyof Traits)[]).find((name) =>
    !TRAITS[name](traits[name])
  );
  if (wrong !== undefined) {
    throw invalid(`its traits are wrong: ${wrong} is ${shown(traits[wrong])}`);
  }
  return strategy as Strategy;
}

const isBoolean = (value: unknown) => typeof value === "boolean";
const isOneOf = (...values: readonly unknown[]) => (value: unknown) => values.includes(value);

/** Whether a trait may have a value. */
const TRAITS: Readonly<Record<keyof Traits, (value: unknown) => boolean>> = {
  result: isOneOf("mount", "directory"),
  access: (value) => Array.isArray(value) && value.length > 0 && value.every(isOneOf("ro", "rw")),
  isolation: isOneOf("full", "shared"),
  survivesReboot: isBoolean,
  privilege: isOneOf("none", "mount"),
  integrity: isBoolean,
  upper: isBoolean,
  idmap: isOneOf(true, false, undefined),
  layouts: isOneOf(true, false, undefined),
  maxLayers: (value) => value === undefined || (Number.isInteger(value) && (value as number) > 0),
  keeps: (value) =>
    value === undefined || (typeof value === "string" && /^[a-z0-9-]{1,32}$/.test(value)),
};

/** The names of all traits. */
export const TRAIT_NAMES: readonly string[] = Object.keys(TRAITS);

/** What is wrong with what {@link plugin!Strategy.probe} returned; undefined for a verdict as it should be. */
export function verdictFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return `it is ${shown(value)}`;
  const { works, reason, hint, notes, cost, keepCost } = value as Record<string, unknown>;
  if (works === false) {
    if (typeof reason !== "string") return "it does not say why it does not work";
    return hint === undefined || typeof hint === "string" ? undefined : "its hint is no text";
  }
  if (works !== true) return "it does not say whether it works";
  if (notes !== undefined && !isTexts(notes)) return "its notes are no texts";
  return costFault("cost", cost) ??
    (keepCost === undefined ? undefined : costFault("keepCost", keepCost));
}

const COSTS: readonly (keyof Cost)[] = [
  "fixedMs",
  "msPerLayer",
  "usPerDirectory",
  "usPerFile",
  "usPerMiB",
];

function costFault(name: string, value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return `its ${name} is ${shown(value)}`;
  const cost = value as Record<string, unknown>;
  const all = cost.usPerLarge === undefined ? COSTS : [...COSTS, "usPerLarge" as const];
  const wrong = all.find((key) => !(Number.isFinite(cost[key]) && (cost[key] as number) >= 0));
  return wrong === undefined ? undefined : `its ${name} has ${wrong} ${shown(cost[wrong])}`;
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(shown).join(", ")}]`;
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}
