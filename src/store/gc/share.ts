/**
 * Sharing, in layers that are in the store already, of contents that they have for themselves.
 *
 * Each file, or each layer, is shared at once: whoever is killed has shared what was done by then.
 *
 * @module
 */

import { dirname } from "@std/path";
import {
  AT_FDCWD,
  check,
  dedupeFile,
  Fd,
  O_DIRECTORY,
  O_RDONLY,
  O_RDWR,
  RENAME_EXCHANGE,
  renameat2,
} from "../../linux/mod.ts";
import { metacopyWorks } from "../../layer/metacopy.ts";
import { type OwnContent, ownContents } from "../../layer/own_contents.ts";
import { canGiveUp, remakeLayer, shareExtents } from "../../layer/reshare.ts";
import { replaceFile, syncDirectory, writeDurably } from "../atomic.ts";
import type { Store } from "../store.ts";

/** How to share. */
export interface ShareOptions {
  /** Change nothing, and say what could be shared; contents are not compared. */
  readonly dryRun?: boolean;
  /** Stops it. */
  readonly signal?: AbortSignal;
  /** Told how many of `total` layers have been looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was shared, or could be. */
export interface Shared {
  /** Whether nothing was changed. */
  readonly dryRun: boolean;
  /** `extents`: files share them. `metacopy`: overlayfs finds the content of files in `links/`. `none`: there is no way here. */
  readonly method: "extents" | "metacopy" | "none";
  /** Files that share now what they had for themselves. */
  readonly files: number;
  /** Bytes on disk that they had. */
  readonly bytes: number;
  /** Layers that have such files but were left alone, since compositions use them. */
  readonly inUse: readonly string[];
  /** Layers with files whose content is not what it is said to be. */
  readonly different: readonly string[];
}

/**
 * Shares what layers of a store have for themselves although it is an object. Where extents are shared, compositions do not notice;
 * elsewhere layers that they use are left alone.
 *
 * @throws {LaminaError} `invalid` for a layer that is not what its index says.
 * @throws The signal's reason.
 */
export async function shareContents(store: Store, options: ShareOptions = {}): Promise<Shared> {
  const { signal, onProgress, dryRun = false } = options;
  // Keeps collectors out, and what is in tmp/.
  using _removing = await store.removing(signal);
  store.sync();
  using objects = Fd.open(store.layout.objects, O_RDONLY | O_DIRECTORY);
  const sharer = new Sharer(store, objects.n, dryRun);
  const layers = store.layers.list();
  for (const [done, diffId] of layers.entries()) {
    signal?.throwIfAborted();
    onProgress?.(done, layers.length);
    await sharer.layer(diffId, signal);
    // Lets signals in.
    await new Promise((resolve) => setTimeout(resolve));
  }
  store.sync();
  return sharer.result();
}

/** Bytes to try with: the largest block of a filesystem. */
const TRIAL = 65536;

class Sharer {
  readonly #store: Store;
  readonly #objects: number;
  readonly #dryRun: boolean;
  readonly #inUse: string[] = [];
  readonly #different: string[] = [];
  #method: Shared["method"] | undefined;
  #files = 0;
  #bytes = 0;

  constructor(store: Store, objects: number, dryRun: boolean) {
    this.#store = store;
    this.#objects = objects;
    this.#dryRun = dryRun;
  }

  result(): Shared {
    return {
      dryRun: this.#dryRun,
      method: this.#method ??= this.#findMethod(),
      files: this.#files,
      bytes: this.#bytes,
      inUse: this.#inUse,
      different: this.#different,
    };
  }

  async layer(diffId: string, signal?: AbortSignal): Promise<void> {
    const { layout, layers } = this.#store;
    const path = layout.layer(diffId);
    const own = ownContents(`${path}/fs`, layers.tree(diffId), this.#objects);
    if (own.length === 0) return;
    this.#method ??= this.#findMethod();
    if (this.#method === "none") return;
    if (this.#method === "metacopy") return await this.#remake(diffId, own, signal);
    if (this.#dryRun) return this.#count(own);
    for (const file of own) {
      signal?.throwIfAborted();
      if (shareExtents(path, file, this.#objects)) this.#count([file]);
      else if (this.#different.at(-1) !== diffId) this.#different.push(diffId);
    }
  }

  /** Puts a layer in its place in which files have given up their content. */
  async #remake(diffId: string, own: readonly OwnContent[], signal?: AbortSignal): Promise<void> {
    const { layout, layers } = this.#store;
    const able = own.filter(canGiveUp);
    if (able.length === 0) return;
    if (this.#isInUse(diffId)) return void this.#inUse.push(diffId);
    if (this.#dryRun) return this.#count(able);
    const path = layout.layer(diffId);
    using staging = this.#store.staging();
    const { files, different } = remakeLayer(path, staging.path, layers.tree(diffId), able);
    if (different.length > 0) this.#different.push(diffId);
    if (files.length === 0) return;
    const record = layers.record(diffId)!;
    const shared = files.reduce((sum, { inode }) => sum + inode.size, record.sharedBytes);
    const metacopies = (record.metacopies ?? 0) + files.length;
    const text = JSON.stringify({ ...record, sharedBytes: shared, metacopies });
    replaceFile(`${staging.path}/layer.json`, `${text}\n`, staging.path);
    this.#store.sync();
    using _alone = await this.#store.alone(signal);
    if (this.#isInUse(diffId)) return void this.#inUse.push(diffId);
    const result = renameat2(AT_FDCWD, staging.path, AT_FDCWD, path, RENAME_EXCHANGE);
    check(result, "renameat2", path);
    syncDirectory(dirname(path));
    this.#count(files);
  }

  #isInUse(diffId: string): boolean {
    const { compositions, images } = this.#store;
    const used = new Set(compositions.list().map(({ image }) => image));
    return [...used].some((digest) =>
      images.get(digest)?.layers.some((layer) => layer.diffId === diffId)
    );
  }

  #count(files: readonly OwnContent[]): void {
    this.#files += files.length;
    this.#bytes += files.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Tries the very thing. */
  #findMethod(): Shared["method"] {
    using staging = this.#store.staging();
    const content = crypto.getRandomValues(new Uint8Array(TRIAL));
    const [a, b] = ["a", "b"].map((name) => `${staging.path}/${name}`);
    writeDurably(a, content);
    writeDurably(b, content);
    using target = Fd.open(a, O_RDWR);
    using source = Fd.open(b, O_RDONLY);
    if (dedupeFile(target.n, source.n, TRIAL) === 1) return "extents";
    const { native } = this.#store;
    return native && metacopyWorks(`${staging.path}/metacopy`) ? "metacopy" : "none";
  }
}
