/**
 * Layers in the store: each once, by the digest of its uncompressed archive (DiffID).
 *
 * @module
 */

import { dirname } from "@std/path";
import { LaminaError } from "../error.ts";
import { readErofs } from "../tree/mod.ts";
import type { Inode } from "../tree/mod.ts";
import { listDirectory, readIfThere, syncDirectory, syncFilesystem } from "./atomic.ts";
import { emptyLayer, isLayer } from "./gc/leftovers.ts";
import type { Layout } from "./layout.ts";
import type { Staging } from "./staging.ts";

/** What is known of a stored layer, as `layer.json` has it. */
export interface LayerRecord {
  /** Digest of the uncompressed archive. */
  readonly diffId: string;
  /** Entries in its tree, the root among them. */
  readonly entries: number;
  /** Bytes of its uncompressed archive. */
  readonly tarBytes: number;
  /** Bytes of content of its files, each inode once. */
  readonly fileBytes: number;
  /** Of those, bytes that it shares with content the store had before. */
  readonly sharedBytes: number;
  /** Files that stand in {@link Layers.directory} without their content, which overlayfs finds in {@link Layers.data}. */
  readonly metacopies: number;
  /** fs-verity SHA-256 digest of its index: 64 hex digits. Undefined where an older lamina stored it. */
  readonly indexDigest?: string;
}

/** The layers of a store. */
export class Layers {
  readonly #layout: Layout;

  /** The layers of a store. */
  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** The unpacked layer: an overlay lower directory. */
  directory(diffId: string): string {
    return `${this.#layout.layer(diffId)}/fs`;
  }

  /**
   * Where overlayfs finds the content of files that stand in {@link directory} without it (`links/`, a data-only lower layer); undefined where all have
   * theirs.
   */
  data(diffId: string): string | undefined {
    const { metacopies = 0 } = this.record(diffId) ?? {};
    return metacopies > 0 ? `${this.#layout.layer(diffId)}/links` : undefined;
  }

  /** The layer's tree, a composefs EROFS image. */
  index(diffId: string): string {
    return `${this.#layout.layer(diffId)}/index.erofs`;
  }

  /** Whether the store has a layer. */
  has(diffId: string): boolean {
    return this.record(diffId) !== undefined;
  }

  /** What is known of a layer; undefined when the store does not have it. */
  record(diffId: string): LayerRecord | undefined {
    const bytes = readIfThere(`${this.#layout.layer(diffId)}/layer.json`);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  }

  /** DiffIDs of all stored layers. */
  list(): string[] {
    return listDirectory(this.#layout.layers).flatMap((algorithm) =>
      listDirectory(`${this.#layout.layers}/${algorithm}`).map((hex) => `${algorithm}:${hex}`)
    );
  }

  /**
   * Makes layers durable, all by one syncfs(2), and lets them enter.
   *
   * @param staged Their staging directories, which hold `fs/` and `index.erofs`, verified.
   */
  enter(staged: readonly { readonly record: LayerRecord; readonly staging: Staging }[]): void {
    for (const { record, staging } of staged) {
      Deno.writeTextFileSync(`${staging.path}/layer.json`, JSON.stringify(record) + "\n");
    }
    syncFilesystem(this.#layout.tmp);
    const parents = new Set([this.#layout.layers]);
    for (const { record, staging } of staged) {
      const place = this.#layout.layer(record.diffId);
      Deno.mkdirSync(dirname(place), { recursive: true });
      staging.moveTo(place);
      parents.add(dirname(place));
    }
    for (const parent of parents) syncDirectory(parent);
  }

  /**
   * Gives up what was staged for a layer, unless that has entered. Objects may have been made of it that nobody else needs: which ones, its
   * index says, so that stays in tmp/ for the next one that holds the store alone.
   */
  discard(staging: Staging): void {
    if (!isLayer(staging.path)) return staging[Symbol.dispose]();
    emptyLayer(staging.path);
    staging.leave();
  }

  /**
   * Reads a layer's tree.
   *
   * @param file Where it is, if not in its place.
   */
  tree(diffId: string, file: string = this.index(diffId)): Inode {
    const bytes = readIfThere(file);
    if (bytes === undefined) {
      throw new LaminaError(
        "not-found",
        `reading the tree of layer ${diffId}: ${file} is missing`,
        {
          hint: "Pull an image that has this layer again.",
        },
      );
    }
    try {
      return readErofs(bytes);
    } catch (cause) {
      throw new LaminaError(
        "invalid",
        `reading the tree of layer ${diffId}: ${file}: ${(cause as Error).message}`,
        {
          cause,
          hint:
            "The file was changed on disk: remove the layer's directory and pull the image again.",
        },
      );
    }
  }
}
