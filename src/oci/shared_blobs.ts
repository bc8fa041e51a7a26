/**
 * Layouts whose blobs are elsewhere, in one directory for many layouts (skopeo's `--src-shared-blob-dir`).
 *
 * @module
 */

import { DirectoryFiles, type Extent, type Files } from "./files.ts";

/** The files of a layout and, of its blobs, those of a directory `DIR/<algorithm>/<hex>` first. */
export class SharedBlobFiles implements Files {
  readonly subject: string;
  readonly #own: Files;
  readonly #shared: Files;

  /** @param blobs The shared directory. */
  constructor(own: Files, blobs: string) {
    this.subject = `${own.subject} (with the blobs of ${blobs})`;
    this.#own = own;
    this.#shared = new DirectoryFiles(blobs);
  }

  /** See {@link Files.find}. */
  find(name: string): Extent | undefined {
    const blob = /^blobs\/(.*)$/.exec(name)?.[1];
    return (blob === undefined ? undefined : this.#shared.find(blob)) ?? this.#own.find(name);
  }
}
