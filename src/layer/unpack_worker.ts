/**
 * The thread that unpacks layers: see `unpack.ts`.
 *
 * @module
 */

import { serve } from "./jobs.ts";
import { unpackLayer } from "./unpack.ts";

serve(({ source, target, ring, limits, native, owner, counters }, indexed) =>
  unpackLayer(source, target, ring, limits, native, owner, counters, indexed)
);
