/**
 * Probes in a process of its own, as a run of the program does: measured by code that was just loaded, and remembered in the store.
 *
 * @module
 */

import { Store } from "../../src/store/mod.ts";
import { loadPlugins } from "../../src/strategy/loader.ts";
import { type Place, probe } from "../../src/strategy/probe.ts";

const [root, ...places] = Deno.args;
const store = Store.open(root);
const { loaded } = await loadPlugins();
for (const place of places) await probe(store, JSON.parse(place) as Place, loaded);
