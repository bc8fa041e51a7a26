/**
 * The programs that layers are given to as well.
 *
 * @module
 */

import { BSDTAR, GNU_TAR } from "./archivers.ts";
import type { Peer } from "./peer.ts";
import { PODMAN } from "./podman.ts";
import { UMOCI } from "./umoci.ts";

/** See the module. */
export const PEERS: readonly Peer[] = [UMOCI, PODMAN, GNU_TAR, BSDTAR];
