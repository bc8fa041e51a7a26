/**
 * What a check looks at, and for which images.
 *
 * @module
 */

import { readIfThere } from "../atomic.ts";
import { contentsOf } from "../gc/contents.ts";
import type { ImageRecord } from "../images.ts";
import type { Store } from "../store.ts";

/** What is to be checked of a store, and which images it is for. */
export class Scope {
  /** The images that could be read. */
  readonly images: ImageRecord[] = [];
  readonly #store: Store;
  readonly #only: boolean;
  #layersOf: Map<string, string[]> | undefined;

  /** @param images Digests; undefined: all. */
  constructor(store: Store, images: readonly string[] | undefined) {
    this.#store = store;
    this.#only = images !== undefined;
  }

  /** DiffIDs of the layers that are there. */
  layers(): string[] {
    const there = this.#store.layers.list();
    if (!this.#only) return there;
    const wanted = new Set(this.images.flatMap(({ layers }) => layers.map(({ diffId }) => diffId)));
    return there.filter((diffId) => wanted.has(diffId));
  }

  /** The images that have a layer. */
  imagesOf(diffId: string): string[] {
    return this.images.filter(({ layers }) => layers.some((layer) => layer.diffId === diffId))
      .map(({ digest }) => digest);
  }

  /** The images that have a content. */
  usersOf(payload: string): string[] {
    const layersOf = this.#layersOf ??= layersByContent(this.#store, this.layers());
    return [...new Set((layersOf.get(payload) ?? []).flatMap((diffId) => this.imagesOf(diffId)))];
  }

  /** Payloads; undefined: all that there are. */
  contents(): ReadonlySet<string> | undefined {
    if (!this.#only) return undefined;
    return new Set((this.#layersOf ??= layersByContent(this.#store, this.layers())).keys());
  }
}

/** The layers that use each content; of a layer whose index cannot be read, nothing is known. */
function layersByContent(store: Store, diffIds: readonly string[]): Map<string, string[]> {
  const users = new Map<string, string[]>();
  for (const diffId of diffIds) {
    const index = readIfThere(store.layers.index(diffId));
    try {
      for (const payload of index === undefined ? [] : contentsOf(index)) {
        users.set(payload, [...users.get(payload) ?? [], diffId]);
      }
    } catch {
      // The layer's own check says so.
    }
  }
  return users;
}
