/**
 * What every command is handed: the global flags, the store, the screen, the signal to stop.
 *
 * @module
 */

import type { LoadedPlugin } from "../strategy/loader.ts";
import type { Store } from "../store/mod.ts";
import type { Globals } from "./globals.ts";
import type { Progress } from "./terminal/progress.ts";
import type { Screen } from "./terminal/screen.ts";

/** See the module. */
export interface Context {
  readonly globals: Globals;
  /** Standard output. */
  readonly screen: Screen;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Where the store is, or would be. */
  storeRoot(): Promise<string>;
  /** Opens the store. `create` makes it where there is none; else that is a `not-found` error. */
  store(options?: { readonly create?: boolean }): Promise<Store>;
  /** Loads the built-in strategies and all that `findPlugins` finds; says on stderr which could not be loaded. */
  plugins(): Promise<readonly LoadedPlugin[]>;
  /** Progress bars on stderr where a person may see them; else something that shows nothing. */
  progress(): Promise<Progress>;
  /** A line on stderr for `--verbose`. */
  note(line: string): void;
}
