/**
 * The store: the directory that holds every layer, content, tree and image once.
 *
 * @module
 */

export * from "./chains.ts";
export * from "./compositions.ts";
export * from "./digest.ts";
export * from "./holders.ts";
export * from "./images.ts";
export * from "./layers.ts";
export * from "./layout.ts";
export * from "./leases.ts";
export * from "./names.ts";
export * from "./removal.ts";
export * from "./staging.ts";
export * from "./store.ts";
export type { BuiltTree } from "./build_tree.ts";
export * from "./trees.ts";
