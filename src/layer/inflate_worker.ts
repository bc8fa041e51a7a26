/**
 * The thread that reads and decompresses blobs: see `inflate.ts`.
 *
 * @module
 */

import { makeDurable } from "./durable.ts";
import { inflateBlob } from "./inflate.ts";
import { serve } from "./jobs.ts";

serve(({ source, target, ring, limits, counters }) => {
  inflateBlob(source, ring, limits, counters);
  makeDurable(source, target, ring);
});
