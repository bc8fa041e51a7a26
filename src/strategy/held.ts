/**
 * Compositions that last as long as the process that made them. Where that dies without a word, its lock is free, and whoever composes or releases
 * next undoes what it left.
 *
 * @module
 */

import type { ImageRecord, Store } from "../store/mod.ts";
import { composeClaimed, type ComposeOptions, type ComposeResult } from "./compose.ts";
import { lockFile } from "./lifecycle.ts";
import type { LoadedPlugin } from "./loader.ts";
import { releaseClaimed, type ReleaseResult } from "./release.ts";

/** A composition that is this process's own. */
export class HeldComposition {
  /** What was composed. */
  readonly result: ComposeResult;
  readonly #store: Store;
  readonly #plugins: readonly LoadedPlugin[];
  readonly #lock: Disposable;

  private constructor(
    store: Store,
    plugins: readonly LoadedPlugin[],
    result: ComposeResult,
    lock: Disposable,
  ) {
    this.#store = store;
    this.#plugins = plugins;
    this.#lock = lock;
    this.result = result;
  }

  /** Composes; see {@link compose!compose}. */
  static async compose(
    store: Store,
    image: ImageRecord,
    target: string,
    options: ComposeOptions,
  ): Promise<HeldComposition> {
    const { result, lock } = await composeClaimed(store, image, target, "held", options);
    return new HeldComposition(store, options.plugins, result, lock);
  }

  /** The file that is locked as long as the composition is held. */
  get lockFile(): string {
    return lockFile(this.#store, this.result.id);
  }

  /** Undoes it, once; see {@link release!release}. */
  async release(): Promise<ReleaseResult> {
    using _shared = this.#store.shared();
    using _lock = this.#lock;
    const record = this.#store.compositions.get(this.result.id)!;
    return await releaseClaimed(this.#store, record, this.#plugins);
  }
}
