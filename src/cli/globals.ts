/**
 * The flags that every command takes, before or after its name.
 *
 * @module
 */

import type { FlagSpec } from "./spec.ts";

/** The global flags, in the order of the help text. */
export const GLOBAL_FLAGS = [
  {
    name: "root",
    value: "DIR",
    complete: "directory",
    summary: "the store (default: $LAMINA_ROOT, else the system's or the user's)",
  },
  {
    name: "plugin",
    value: "FILE",
    repeat: true,
    complete: "file",
    summary: "load a strategy plugin; may be repeated",
  },
  { name: "json", summary: "print one JSON document on stdout, errors too" },
  { name: "quiet", short: "q", summary: "print only ids and names, no progress" },
  { name: "verbose", short: "v", summary: "say more, and where errors come from" },
  { name: "help", short: "h", summary: "print help and stop" },
  { name: "version", summary: "print the version and stop" },
] as const satisfies readonly FlagSpec[];

/** The values of the global flags. */
export interface Globals {
  readonly root: string | undefined;
  readonly plugin: readonly string[];
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly help: boolean;
  readonly version: boolean;
}
