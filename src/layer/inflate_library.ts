/**
 * Which library inflates gzip layers here.
 *
 * @module
 */

import { hasIsal, LIBISAL } from "../linux/isal.ts";

/** A library that inflates: ISA-L, which takes a sixth less time and is not on every host, or the one that is always there. */
export type InflateLibrary = typeof LIBISAL | "node:zlib";

/** The library that is used: ISA-L where it is there, unless `$LAMINA_INFLATE` is `zlib`. */
export function inflateLibrary(): InflateLibrary {
  return Deno.env.get("LAMINA_INFLATE") !== "zlib" && hasIsal() ? LIBISAL : "node:zlib";
}
