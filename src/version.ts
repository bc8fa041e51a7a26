/**
 * The program's version, as in deno.json (a test keeps them equal): a constant, so that `lamina --version` reads no file.
 *
 * @module
 */

/** Version of this release. */
export const VERSION = "0.1.0";
