/**
 * Writes a tree as a composefs image: bit for bit what mkcomposefs writes.
 *
 * @module
 */

import { collectXattrs } from "./erofs_attributes.ts";
import { Emitter } from "./erofs_emit.ts";
import { Layout } from "./erofs_layout.ts";
import { Numbering } from "./erofs_numbering.ts";
import { Rewritten } from "./erofs_rewrite.ts";
import type { Inode } from "./inode.ts";

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
  return write(new Numbering(root), options.format ?? "auto");
}

/**
 * A layer of an overlay as an EROFS image, to lie above a composefs image as one more lower directory: its whiteouts are whiteouts, and
 * no stubs hide what is below. Files have their content where composefs has it. It is no composefs image, and does not start as one.
 *
 * @param layer Its character devices 0:0 are whiteouts, as in what overlayDifference() makes. It stays as it is.
 * @throws LaminaError (invalid) as {@link writeErofs} does.
 */
export function writeRawErofs(layer: Inode): Uint8Array<ArrayBuffer> {
  return write(new Numbering(layer, true), "v0");
}

function write(numbering: Numbering, format: ErofsFormat): Uint8Array<ArrayBuffer> {
  const rewritten = new Rewritten(numbering);
  const version = format === "v1" || format === "auto" && rewritten.whiteoutParents.size > 0
    ? 1
    : 0;
  const xattrs = collectXattrs(numbering, rewritten, version);
  const layout = new Layout(numbering, rewritten, xattrs);
  const hasAcl = ACLS.some((name) => xattrs.pairs.has(name));
  return new Emitter(numbering, rewritten, xattrs, layout).emit(version, hasAcl);
}
