/**
 * Runs the conformance suite without root's rights and prints what failed, as JSON: run by rootless_test.ts in a user namespace.
 *
 * Arguments: a directory, what the cases' ids hold, the strategies.
 *
 * @module
 */

import { Bed } from "../../src/strategy/conformance/bed.ts";
import { runSuite } from "../../src/strategy/conformance/run.ts";
import { builtInPlugins } from "./bed.ts";

const [path, filter, ...strategies] = Deno.args;
const bed = new Bed(path);
const failed: unknown[] = [];
if (bed.store.native) failed.push("the store is one of root");
let passed = 0;
for (const plugin of await builtInPlugins()) {
  if (!strategies.includes(plugin.name)) continue;
  for (const result of await runSuite(bed, plugin, { filter: [filter] })) {
    if (result.outcome === "failed") failed.push({ strategy: plugin.name, ...result });
    if (result.outcome === "passed") passed++;
  }
}
console.log(JSON.stringify({ passed, failed }));
