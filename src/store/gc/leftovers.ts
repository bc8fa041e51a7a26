/**
 * Clearing tmp/: what killed processes were making, and what killed collectors were removing.
 *
 * A layer on its way in or out is a directory with an `index.erofs`. Objects may be left that only it needed, so it goes in this order,
 * and can be killed anywhere: first its files and links, then the objects that its index names if nobody else has them, the index last.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { AT_FDCWD, Fd, O_DIRECTORY, O_RDONLY, removeTree } from "../../linux/mod.ts";
import {
  listDirectory,
  readIfThere,
  removeIfThere,
  replaceFile,
  syncDirectory,
  syncFilesystem,
} from "../atomic.ts";
import { COUNTED, readFormat } from "../format.ts";
import type { Layout } from "../layout.ts";
import { contentsOf } from "./contents.ts";
import { ObjectSweeper } from "./objects.ts";

const INDEX = "index.erofs";

/** Clears tmp/. Hold the store alone. */
export function clearLeftovers(layout: Layout): void {
  clearLocks(layout);
  const layers: string[] = [];
  for (const name of listDirectory(layout.tmp)) {
    const path = `${layout.tmp}/${name}`;
    // Others first: what is made for an image has links to files of layers.
    if (isLayer(path)) layers.push(path);
    else removeTree(AT_FDCWD, path);
  }
  if (layers.length === 0) return;
  for (const layer of layers) emptyLayer(layer);
  using objects = new ObjectSweeper(layout.objects);
  objects.clearUnfinished();
  for (const payload of contentsOfGone(layout, layers)) objects.sweep(payload);
  removeIndexes(layout, layers);
}

/** Removes layers in tmp/ whose objects have been swept: only once that is durable, as after a crash nothing else leads to these objects. */
export function removeIndexes(layout: Layout, layers: readonly string[]): void {
  if (layers.length > 0) syncFilesystem(layout.tmp);
  for (const layer of layers) removeTree(AT_FDCWD, layer);
}

/** Removes the locks of layers that never came: nobody holds them now. */
function clearLocks(layout: Layout): void {
  for (const name of listDirectory(layout.locks)) {
    const [, algorithm, hex] = /^layer-(sha256|sha512)-([0-9a-f]+)$/.exec(name) ?? [];
    if (hex === undefined || isThere(`${layout.layers}/${algorithm}/${hex}`)) continue;
    removeIfThere(`${layout.locks}/${name}`);
  }
}

function isThere(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Whether a directory in tmp/ holds a layer of which there may be objects. */
export function isLayer(path: string): boolean {
  try {
    return Deno.lstatSync(`${path}/${INDEX}`).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Removes all of a layer in tmp/ but its index. */
export function emptyLayer(path: string): void {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  for (const name of listDirectory(path)) if (name !== INDEX) removeTree(directory.n, name);
}

/**
 * The objects of layers in tmp/, which are to be swept. Where that cannot be known, because a crash took an index or the store's objects
 * are not counted yet, it is noted that all objects have to be looked at.
 */
export function contentsOfGone(layout: Layout, layers: readonly string[]): Set<string> {
  if (!isCounted(layout)) {
    noteSweep(layout);
    return new Set();
  }
  let all = new Set<string>();
  for (const layer of layers) {
    const contents = readContents(`${layer}/${INDEX}`);
    if (contents === undefined) noteSweep(layout);
    else if (all.size === 0) all = contents;
    else for (const payload of contents) all.add(payload);
  }
  return all;
}

function readContents(file: string): Set<string> | undefined {
  const index = readIfThere(file);
  if (index === undefined) return undefined;
  try {
    return contentsOf(index);
  } catch (error) {
    if (error instanceof LaminaError) return undefined;
    throw error;
  }
}

/** Whether objects may be removed by their link counts; see {@link COUNTED}. */
export function isCounted(layout: Layout): boolean {
  return readFormat(layout.format)?.["ro-compat"].includes(COUNTED) ?? false;
}

/** Notes that all objects have to be looked at. */
export function noteSweep(layout: Layout): void {
  if (!isSweepNoted(layout)) replaceFile(layout.sweepNote, "", layout.tmp);
}

/** Whether all objects have to be looked at. */
export function isSweepNoted(layout: Layout): boolean {
  return readIfThere(layout.sweepNote) !== undefined;
}

/** All objects have been looked at; what came of it is made durable first. */
export function forgetSweep(layout: Layout): void {
  syncFilesystem(layout.root);
  removeIfThere(layout.sweepNote);
  syncDirectory(layout.root);
}
