/**
 * The thread that reads and decompresses blobs: see `inflate.ts`.
 *
 * @module
 */

import { inflateBlob } from "./inflate.ts";
import { serve } from "./jobs.ts";

serve(({ source, ring, limits, counters }) => inflateBlob(source, ring, limits, counters));
