/**
 * The thread that a layer's archive comes from: see `inflate.ts` and `assemble.ts`.
 *
 * @module
 */

import { assembleArchive } from "./assemble.ts";
import { makeDurable } from "./durable.ts";
import { inflateBlob } from "./inflate.ts";
import { serve } from "./jobs.ts";

serve(({ source, target, ring, limits, image, counters }) => {
  if ("tarSplit" in source) assembleArchive(source, ring, limits, image, counters);
  else inflateBlob(source, ring, limits, image, counters);
  makeDurable(source, target, ring);
});
