/**
 * The directories that a benchmark composes in, so that nothing is left behind: not when it is stopped, and of one that was killed
 * nothing after the next.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { basename, dirname } from "@std/path";
import { AT_FDCWD, FileLock, removeTree } from "../../linux/mod.ts";
import type { CompositionRecord, Store } from "../../store/mod.ts";
import type { LoadedPlugin } from "../loader.ts";
import { pluginOf } from "../lifecycle.ts";
import { release } from "../release.ts";

/** Directories for targets, in as many places. Dispose of it when no process is at work any more. */
export class Workbench implements AsyncDisposable {
  readonly #store: Store;
  readonly #plugins: readonly LoadedPlugin[];
  readonly #directories: readonly string[];
  readonly #lock: FileLock;
  #targets = 0;

  private constructor(
    store: Store,
    plugins: readonly LoadedPlugin[],
    directories: readonly string[],
    lock: FileLock,
  ) {
    this.#store = store;
    this.#plugins = plugins;
    this.#directories = directories;
    this.#lock = lock;
  }

  /**
   * Makes a directory in each of some places; first clears up after benchmarks of this store that were killed.
   *
   * @param places Real paths of directories.
   */
  static async make(
    store: Store,
    plugins: readonly LoadedPlugin[],
    places: readonly string[],
  ): Promise<Workbench> {
    const path = `${store.layout.locks}/bench`;
    const prefix = `.lamina-bench-${hash(store.root)}-`;
    // Whoever has the lock alone knows that no other benchmark of this store goes on.
    {
      using alone = FileLock.tryExclusive(path);
      if (alone !== undefined) await clearKilled(store, plugins, places, prefix);
    }
    const lock = FileLock.shared(path);
    const name = prefix + crypto.randomUUID().slice(0, 8);
    const directories: string[] = [];
    const bench = new Workbench(store, plugins, directories, lock);
    try {
      for (const place of places) {
        Deno.mkdirSync(`${place}/${name}`, { mode: 0o700 });
        directories.push(`${place}/${name}`);
      }
      return bench;
    } catch (error) {
      await bench[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The directory in the n-th place. */
  directory(place: number): string {
    return this.#directories[place];
  }

  /** A target in the n-th place that does not exist. */
  target(place: number): string {
    return `${this.#directories[place]}/${this.#targets++}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const own = new Set(this.#directories);
      await releaseThose(this.#store, this.#plugins, ({ target }) => own.has(dirname(target)));
      for (const directory of this.#directories) removeTree(AT_FDCWD, directory);
    } finally {
      this.#lock[Symbol.dispose]();
    }
  }
}

/** Benchmarks of other stores may go on in the same places: their directories have other names. */
function hash(root: string): string {
  return createHash("sha256").update(root).digest("hex").slice(0, 8);
}

async function clearKilled(
  store: Store,
  plugins: readonly LoadedPlugin[],
  places: readonly string[],
  prefix: string,
): Promise<void> {
  const directories = new Set<string>();
  for (const place of places) {
    for (const { name } of Deno.readDirSync(place)) {
      if (name.startsWith(prefix)) directories.add(`${place}/${name}`);
    }
  }
  const left = await releaseThose(store, plugins, ({ target }) => {
    const directory = dirname(target);
    if (!basename(directory).startsWith(prefix)) return false;
    directories.add(directory);
    return true;
  });
  for (const directory of directories) {
    if (!left.some(({ target }) => dirname(target) === directory)) removeTree(AT_FDCWD, directory);
  }
}

/** Releases compositions. Those of plugins that are not loaded now stay on record, and are returned. */
async function releaseThose(
  store: Store,
  plugins: readonly LoadedPlugin[],
  which: (record: CompositionRecord) => boolean,
): Promise<CompositionRecord[]> {
  const left: CompositionRecord[] = [];
  for (const record of store.compositions.list().filter(which)) {
    if (record.strategy !== "" && pluginOf(record, plugins) === undefined) left.push(record);
    else await release(store, record.id, { plugins });
  }
  return left;
}
