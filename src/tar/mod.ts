/**
 * tar: bytes in, entries out. See README.md in this folder for what is accepted.
 *
 * @module
 */

export { TarEntry, type TarSink, type TarType } from "./entry.ts";
export { TarReader } from "./reader.ts";
