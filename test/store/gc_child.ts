/** Collects, in a process of its own that gc_killed_test.ts kills: STORE. */

import { collect } from "../../src/store/gc/collect.ts";
import { Store } from "../../src/store/mod.ts";

await collect(Store.open(Deno.args[0]));
