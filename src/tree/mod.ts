/**
 * Trees as data: composefs images and dumps of them, read and written; layers merged; fs-verity digests.
 *
 * @module
 */

export { countLinks, countTree, type TreeCounts } from "./count.ts";
export { compareTrees, type FieldChange, type TreeChange } from "./compare.ts";
export { parseDump } from "./dump_parser.ts";
export { formatDump } from "./dump_writer.ts";
export { STUB_NAMES } from "./erofs_format.ts";
export { erofsFormat, readErofs } from "./erofs_reader.ts";
export { type EntryVisitor, ErofsView, type XattrVisitor } from "./erofs_view.ts";
export { type ErofsFormat, writeErofs, writeRawErofs } from "./erofs_writer.ts";
export { escapeBytes } from "./escape.ts";
export * from "./inode.ts";
export { listTree, treeEntries, type TreeEntry, treeObjects } from "./listing.ts";
export * from "./marks.ts";
export { type Merged, mergeLayers, plainStack } from "./merge.ts";
export { normalizeOci } from "./normalize.ts";
export { encodeOrigins, NO_LAYER, Origins, readOrigins } from "./origins.ts";
export { type Profile, type TreeDigest, treeDigest } from "./profile.ts";
export { type Part, splitTree } from "./split.ts";
export { objectPath, toHex } from "./digest.ts";
export { fsVerityDigest, FsVerityHasher } from "./verity.ts";
