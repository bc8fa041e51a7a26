/**
 * What goes into the ingest of a layer, and what comes out.
 *
 * @module
 */

/** What an image says of a layer. */
export interface LayerDescription {
  /** Bytes of the blob, as its descriptor says. */
  readonly length: number;
  /** Digest of the blob, as its descriptor says: `sha256:` and 64 hex digits. */
  readonly digest: string;
  /** Media type of the descriptor. The compression is told by the blob's first bytes all the same. */
  readonly mediaType: string;
  /** Digest of the uncompressed archive, as the image's config says: `sha256:` and 64 hex digits. */
  readonly diffId: string;
}

/** A layer as its blob: a range of a file. */
export interface BlobSource extends LayerDescription {
  /** The file that the blob is in. */
  readonly file: string;
  /** Where in the file the blob starts, in bytes. */
  readonly offset: number;
}

/**
 * A layer that was unpacked elsewhere, with the rest of its archive kept beside it, so that the archive can be put together again bit for bit
 * (see `tar_split.ts`). There is no blob; the archive has to have the DiffID.
 */
export interface SplitSource extends LayerDescription {
  /** The file with all of the archive but its files' contents. */
  readonly tarSplit: string;
  /** The directory that has the contents. */
  readonly directory: string;
  /** Bytes of the archive, as far as is known. */
  readonly unpacked: number;
}

/** Where a layer comes from. */
export type LayerSource = BlobSource | SplitSource;

/** How many bytes will have been read of a layer in the end: what {@link LayerProgress.read} goes up to. */
export function bytesToRead(source: LayerSource): number {
  return "tarSplit" in source ? source.unpacked : source.length;
}

/** Where a layer goes. */
export interface LayerTarget {
  /** An empty directory on the store's filesystem: gets `fs/`, `index.erofs`, and `links/` where the layer shares content. */
  readonly staging: string;
  /** The store's directory of content objects. */
  readonly objects: string;
}

/** What came of a layer. */
export interface LayerResult {
  /** Digest of the uncompressed archive, verified. */
  readonly diffId: string;
  /** Bytes of the uncompressed archive. */
  readonly bytes: number;
  /** Bytes of content of the layer's files, each inode once. */
  readonly fileBytes: number;
  /** Names in the layer's tree, the root among them. */
  readonly entries: number;
  /** Of {@link fileBytes}, those that share their place on disk with content that was there before. */
  readonly sharedBytes: number;
  /** Files that stand in `fs/` without their content, which overlayfs finds in `links/`. */
  readonly metacopies: number;
  /** fs-verity SHA-256 digest of `index.erofs`: 64 hex digits. */
  readonly indexDigest: string;
  /** Extended attributes left out because they would act as overlayfs' or the store's own marks, or the kernel has none there. */
  readonly droppedXattrs: number;
  /** Entries that mean nothing and were passed over (AUFS' own). */
  readonly ignoredEntries: number;
}

/** How far an ingest is. */
export interface LayerProgress {
  /** Bytes of the blob that have been read. */
  readonly read: number;
  /** Bytes of the archive that have been unpacked. */
  readonly unpacked: number;
  /** Entries that have been unpacked. */
  readonly entries: number;
}

/** Counters that both threads of an ingest write and anybody may read, in a SharedArrayBuffer of {@link COUNTER_BYTES}. */
export const READ = 0;
export const UNPACKED = 1;
export const ENTRIES = 2;
export const COUNTER_BYTES = 24;
