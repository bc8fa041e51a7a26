/**
 * What a repair is handed to fetch things again: the store knows no sources.
 *
 * @module
 */

import type { LayerRecord } from "../../layers.ts";

/** Of an image, what says where it comes from. */
export interface Provenance {
  /** Digest of its manifest. */
  readonly digest: string;
  /** The reference that it was pulled from. */
  readonly source: string;
  /** What it runs on; empty where that is not known. */
  readonly platform: string;
}

/** Fetches what an image is made of from where it was pulled. Everything is verified by its digest. */
export interface Supplier {
  /**
   * Ingests a layer; afterwards its directory, index and contents are in the target.
   *
   * @throws {LaminaError} Where it is not to be had.
   */
  layer(
    image: Provenance,
    diffId: string,
    target: { readonly staging: string; readonly objects: string },
  ): Promise<LayerRecord>;
  /**
   * The manifest and the config.
   *
   * @throws {LaminaError} Where they are not to be had.
   */
  documents(
    image: Provenance,
  ): Promise<{ readonly manifest: Uint8Array; readonly config: Uint8Array }>;
}
