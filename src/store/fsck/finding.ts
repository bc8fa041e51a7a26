/**
 * What a check of a store finds.
 *
 * @module
 */

/** What is wrong. The part before the dash says with what: see {@link Finding.id}. */
export type FindingKind =
  /** The store's format file, or a directory that every store has, is missing. */
  | "store-directory"
  /** An object's content is not what its name says, or cannot be read. */
  | "object-content"
  /** Something among the objects that is none. */
  | "object-foreign"
  /** A layer's `layer.json` is missing, unreadable, or contradicts the layer. */
  | "layer-record"
  /** A layer's `index.erofs` is missing, unreadable, or not the one that it had. */
  | "layer-index"
  /** An object that a layer needs is not there. */
  | "layer-object"
  /** A layer has no link to an object that it needs: the collector may take it. */
  | "layer-links"
  /** An entry of a layer is missing. */
  | "entry-missing"
  /** A layer has an entry on disk that its index does not have. */
  | "entry-extra"
  /** An entry is of another type. */
  | "entry-type"
  /** An entry's mode, owner, time, size, target, device or extended attributes were changed, or a hard link is none any more. */
  | "entry-metadata"
  /** A file's content is not what the index says. */
  | "entry-content"
  /** `image.json` is missing, unreadable, or contradicts the manifest or config. */
  | "image-record"
  /** The manifest or config is not what its digest says. */
  | "image-document"
  /** A layer of an image is not there. */
  | "image-layer"
  /** The merged tree of an image is missing, not what its digest says, or not what its layers make. */
  | "image-tree"
  /** What belongs to an image's tree (`origins`, `fixup/`) is not what its layers make. */
  | "image-parts"
  /** A name stands for an image that is not there, or cannot be read. */
  | "name-image"
  /** A record of a chain of layers, or its tree, is damaged. */
  | "chain-tree"
  /** A lease cannot be read. */
  | "lease-record"
  /** A lease keeps an image that is not there. */
  | "lease-image"
  /** A composition's record cannot be read. */
  | "composition-record"
  /** A composition's image is not there. */
  | "composition-image"
  /** A composition ended without being released: by a reboot or a power cut, with its process, or unmounted by hand. */
  | "composition-ended"
  /** Was left by a process that was killed; the next that is alone in the store clears it. */
  | "leftover";

/** One thing that a check found. */
export interface Finding {
  /** What is wrong. */
  readonly kind: FindingKind;
  /** `damage`: something in the store is not what it was. `reclaimable`: nothing is wrong, but space can be freed (`lamina gc`). */
  readonly severity: "damage" | "reclaimable";
  /** The object, DiffID, digest of an image, name, id or path that it is about. */
  readonly id: string;
  /** Of an entry of a layer: its path there; else what of `id` it is, if only a part. Printable. */
  readonly path?: string;
  /** What was expected and what is there, in words. */
  readonly message: string;
  /** Digests of the images that are affected. */
  readonly images: readonly string[];
  /** Files of compositions that share the damaged inode: whoever wrote to one of these changed the store. */
  readonly sharedWith?: readonly { readonly composition: string; readonly path: string }[];
}

/** What one layer or directory of objects has wrong, before it is known who is affected. */
export interface Problem {
  /** See {@link Finding.kind}. */
  readonly kind: FindingKind;
  /** The entry's path: a string of bytes. */
  readonly path?: string;
  /** See {@link Finding.message}. */
  readonly message: string;
  /** The object that it is about. */
  readonly payload?: string;
  /** The damaged inode. */
  readonly ino?: number;
}
