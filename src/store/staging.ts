/**
 * Directories in which things are made before they enter the store.
 *
 * @module
 */

import { AT_FDCWD, removeTree } from "../linux/mod.ts";
import { renameNew } from "./atomic.ts";

/**
 * A directory under the store's tmp/. It is removed when disposed, unless it was moved into the store before. A killed process
 * leaves it behind; then the next one that holds the store's lock alone clears it.
 */
export class Staging implements Disposable {
  /** Absolute path of the directory. */
  readonly path: string;
  #owned = true;

  /**
   * Makes the directory.
   *
   * @param tmp The store's tmp directory.
   */
  constructor(tmp: string) {
    this.path = `${tmp}/${crypto.randomUUID()}`;
    Deno.mkdirSync(this.path, { mode: 0o700 });
  }

  /**
   * Moves the whole directory to its place, where nothing may be yet. Its content must be durable by then; the new name becomes durable
   * with the next sync of the directory that it is in.
   *
   * @returns false, and the directory stays ours, when something is there already.
   */
  moveTo(path: string): boolean {
    if (!renameNew(this.path, path)) return false;
    this.#owned = false;
    return true;
  }

  /** Leaves it where it is, for the next one that holds the store's lock alone to clear. */
  leave(): void {
    this.#owned = false;
  }

  /** Removes it, if it has not been moved to its place. */
  [Symbol.dispose](): void {
    if (this.#owned) removeTree(AT_FDCWD, this.path);
    this.#owned = false;
  }
}
