/**
 * Strategies: the plugins that compose, what works where, the choice, and a composition's life from compose to release.
 *
 * @module
 */

export * from "./choice.ts";
export * from "./compose.ts";
export * from "./held.ts";
export type { IdMap } from "./idmap.ts";
export type { IdRange } from "../linux/mod.ts";
export * from "./loader.ts";
export * from "./loading/search.ts";
export * from "./loading/source.ts";
export * from "./plugin.ts";
export * from "./probe.ts";
export * from "./release.ts";
export { type Phase, PHASES, type Timings } from "./stopwatch.ts";
