/**
 * The file contents of layers, each counted once: no store that keeps all layers can do with less, unless it compresses.
 *
 * @module
 */

import type { Inode } from "../src/tree/mod.ts";

/** Bytes of distinct contents. */
export interface Content {
  readonly bytes: number;
  /** The same, each rounded up to whole blocks of 4 KiB, as ext4 and XFS keep them. */
  readonly blocks: number;
}

const BLOCK = 4096;

/** Collects the contents of layers. */
export class Contents {
  readonly #layers = new Set<string>();
  readonly #sizes = new Map<string, number>();

  /** Adds a layer, once. */
  add(diffId: string, tree: () => Inode): void {
    if (this.#layers.has(diffId)) return;
    this.#layers.add(diffId);
    this.#walk(tree());
  }

  /** What they come to. */
  sum(): Content {
    let [bytes, blocks] = [0, 0];
    for (const size of this.#sizes.values()) {
      bytes += size;
      blocks += Math.ceil(size / BLOCK) * BLOCK;
    }
    return { bytes, blocks };
  }

  #walk(directory: Inode): void {
    for (const inode of directory.children!.values()) {
      if (inode.children !== null) this.#walk(inode);
      else if (inode.digest !== null) this.#sizes.set(inode.payload, inode.size);
      // Small ones are in the index as they are.
      else if (inode.content !== null) this.#sizes.set(`=${inode.content}`, inode.size);
    }
  }
}
