/**
 * What umoci makes of images.
 *
 * @module
 */

import { GO } from "./golang.ts";
import type { Peer } from "./peer.ts";

/** `GOGC=400 umoci raw unpack`. */
export const UMOCI: Peer = {
  name: "umoci",
  // A blob of its own kind is a matter of transport: umoci of Debian 12 reads gzip alone.
  leavesOut: ({ layers }) => layers?.some(({ blob }) => blob !== undefined) ?? false,
  script: (samples) =>
    // It would write the holes of a sparse file.
    "ulimit -f 300000\n" + samples.map(([n]) =>
      `GOGC=400 umoci raw unpack --image /samples/${n}/layout:it /trees/${n}/root 2> /trees/${n}/said || echo $? > /trees/${n}/failed; watch ${n}`
    ).join("\n"),
  refusal: 1,
  reasons: [
    ...GO,
    {
      says:
        /^a lower layer's link, written through by an upper layer that implies.* \| (only in|way: )/,
      why:
        "it makes the directories that the link would lead to; overlayfs shows the upper layer's directory in the link's place, as we do for every strategy",
    },
    {
      says: /^links in a circle across layers.* refuses/,
      why:
        "it does not go through the circle; on an overlay the upper layer's directory is in the link's place",
    },
    {
      says: /accepts.*a symbolic l/,
      why: "what the link leads to depends on lower layers that may change below the same digest",
    },
    {
      says: /accepts.*its config has 2 diff_ids/,
      why: "layer and DiffID belong together one to one; what is left over was meant for something",
    },
    {
      says: /^more layers than DiffIDs \| crashes: exit 2: [^]*index out of range/,
      why: "it panics: it takes the DiffID of each layer without looking how many there are",
    },
    {
      says: /accepts.*the whiteout hides nothing/,
      why: "it removes the directory that the whiteout is in",
    },
    {
      says: /^whiteouts of what is not there \| only in the first: nowhere/,
      why:
        "it makes no directories for a whiteout; in an unpacked layer it needs a directory to be in, which an overlay then shows",
    },
    {
      says: /^a directory and its whiteout in one layer.* d\/sub: mtime/,
      why: "the directory has the time at which what was in it was removed; ours has the layer's",
    },
    {
      says: /^a hard link to what its layer hides.* refuses/,
      why:
        "it applies the whiteout first and finds nothing to link to; a layer is a set of changes against the layer below",
    },
    {
      says: /^global headers.* refuses/,
      why: "it does not know PAX global headers, which git archive writes",
    },
  ],
};
