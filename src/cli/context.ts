/**
 * What every command is handed: the global flags, the store, the screen, the signal to stop.
 *
 * @module
 */

import type { LoadedPlugin, Plugins } from "../strategy/loader.ts";
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
  /** Loads the built-in strategies and the outside ones: those of `--plugin` and wherever else they are looked for. */
  findPlugins(): Promise<Plugins>;
  /** Those of them that could be loaded; says on stderr which could not. One of `--plugin` that could not is an error. */
  plugins(): Promise<readonly LoadedPlugin[]>;
  /** Progress bars on stderr where a person may see them; else something that shows nothing. */
  progress(): Promise<Progress>;
  /** A line on stderr for `--verbose`. */
  note(line: string): void;
}
