/** Pulls an image into a store, for tests of several processes, and prints the DiffIDs that it brought: STORE REFERENCE. */

import { pull } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";

const { layers } = await pull(Store.open(Deno.args[0]), Deno.args[1]);
console.log(JSON.stringify(layers.filter(({ isNew }) => isNew).map(({ diffId }) => diffId)));
