/**
 * tar: bytes in, entries out. See README.md in this folder for what is accepted.
 *
 * @module
 */

export { TarEntry, type TarSink, type TarType } from "./entry.ts";
export { DEFAULT_TAR_LIMITS, limitError, type TarLimits } from "./limits.ts";
export { TarReader } from "./reader.ts";
