/**
 * Writes a tree as a composefs image: bit for bit what mkcomposefs writes.
 *
 * @module
 */

import { collectXattrs } from "./erofs_attributes.ts";
import { Emitter } from "./erofs_emit.ts";
import { Layout } from "./erofs_layout.ts";
import { Numbering } from "./erofs_numbering.ts";
import type { Inode } from "./inode.ts";
import { InodeTree } from "./source.ts";

/**
 * Which version of the format to write. `auto` is what mkcomposefs does by itself: version 1 for a tree with whiteouts,
 * else 0. The two differ in the header, so a tree has two digests; OCI annotations mean version 1.
 */
export type ErofsFormat = "auto" | "v0" | "v1";

/** Names of POSIX ACLs; an image with one says so in its header. */
const ACLS = ["system.posix_acl_access", "system.posix_acl_default"];

/**
 * The composefs image of a tree. The tree stays as it is.
 *
 * @throws LaminaError (invalid), naming the path, for a tree that no image can hold: an impossible name, xattrs that are
 *   too large, a directory under two names.
 */
export function writeErofs(
  root: Inode,
  options: { readonly format?: ErofsFormat } = {},
): Uint8Array<ArrayBuffer> {
  return bytesOf(new Numbering(new InodeTree(root)), options.format ?? "auto");
}

/**
 * A layer of an overlay as an EROFS image, to lie above a composefs image as one more lower directory: its whiteouts are whiteouts, and
 * no stubs hide what is below. Files have their content where composefs has it. It is no composefs image, and does not start as one.
 *
 * @param layer Its character devices 0:0 are whiteouts, as in what overlayDifference() makes. It stays as it is.
 * @throws LaminaError (invalid) as {@link writeErofs} does.
 */
export function writeRawErofs(layer: Inode): Uint8Array<ArrayBuffer> {
  return bytesOf(new Numbering(new InodeTree(layer), true), "v0");
}

/**
 * Writes the composefs image, of version 1, of a tree that was ordered.
 *
 * @param write Takes the image's bytes, piece after piece; each is valid until it returns.
 * @throws LaminaError (invalid) for xattrs that are too large, before anything is written.
 */
export function streamErofs(
  tree: Numbering,
  write: (piece: Uint8Array<ArrayBuffer>) => void,
): void {
  emit(tree, "v1", () => write);
}

/** The whole image. */
function bytesOf(numbering: Numbering, format: ErofsFormat): Uint8Array<ArrayBuffer> {
  let bytes!: Uint8Array<ArrayBuffer>;
  let length = 0;
  emit(numbering, format, (size) => {
    bytes = new Uint8Array(size);
    return (piece) => {
      bytes.set(piece, length);
      length += piece.length;
    };
  });
  return bytes;
}

/** @param open Given the size of the image: returns what takes its bytes. */
function emit(
  numbering: Numbering,
  format: ErofsFormat,
  open: (size: number) => (piece: Uint8Array<ArrayBuffer>) => void,
): void {
  const marked = numbering.whiteoutParents.size > 0;
  const version = format === "v1" || format === "auto" && marked ? 1 : 0;
  const xattrs = collectXattrs(numbering, version);
  const layout = new Layout(numbering, xattrs);
  const hasAcl = ACLS.some((name) => xattrs.pairs.has(name));
  new Emitter(numbering, xattrs, layout, open(layout.size)).emit(version, hasAcl);
}
