/**
 * Which layer each inode of a merged tree comes from: what an image of the tree has no room for, as a small file beside it.
 *
 * All numbers little-endian: magic u32, number of inodes u32, number of paths u32; for each inode, by its number in the image, the layer u16
 * (0xffff: none); padding to a multiple of 4; for each inode whose path in the layer is not its path in the tree: its number u32, the path's
 * length u32 including the NUL at its end, the path.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { STUB_NAMES } from "./erofs_format.ts";
import { Numbering } from "./erofs_numbering.ts";
import type { Inode } from "./inode.ts";
import { toBytes } from "./latin1.ts";
import { InodeTree } from "./source.ts";

/** `Lor1`. */
const MAGIC = 0x31726f4c;
const HEADER = 12;

/** No layer: directories, which belong to no single one. */
export const NO_LAYER = 0xffff;

/** The origins of a merged tree, for {@link readOrigins}. */
export function encodeOrigins(root: Inode): Uint8Array<ArrayBuffer> {
  const tree = new InodeTree(root);
  const collected = new OriginColumn(tree.inodes);
  return collected.encode(
    new Numbering(tree, false, (inode, place) => collected.set(place, inode)),
  );
}

/** The origins of inodes, by their places in a numbering that they are collected for. */
export class OriginColumn {
  /** By place: 0 for no layer, else one more than its index. */
  readonly #layers: Uint16Array;
  readonly #paths = new Map<number, Uint8Array>();

  /**
   * Begins with no origins.
   *
   * @param most How many inodes there can be.
   */
  constructor(most: number) {
    this.#layers = new Uint16Array(most + STUB_NAMES.length);
  }

  /** Notes where an inode comes from. */
  set(place: number, { origin, children }: Inode): void {
    if (origin === null || children !== null) return;
    this.#layers[place] = origin.layer + 1;
    if (origin.path !== null) this.#paths.set(place, toBytes(origin.path + "\0"));
  }

  /** The file. */
  encode({ count, places }: Numbering): Uint8Array<ArrayBuffer> {
    const start = pathsStart(count);
    const paths = [...this.#paths.values()];
    const bytes = new Uint8Array(paths.reduce((size, path) => size + 8 + path.length, start));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, MAGIC, true);
    view.setUint32(4, count, true);
    view.setUint32(8, paths.length, true);
    let at = start;
    for (let ino = 0; ino < count; ino++) {
      view.setUint16(HEADER + 2 * ino, this.#layers[places[ino]] - 1 & NO_LAYER, true);
      const path = this.#paths.size === 0 ? undefined : this.#paths.get(places[ino]);
      if (path === undefined) continue;
      view.setUint32(at, ino, true);
      view.setUint32(at + 4, path.length, true);
      bytes.set(path, at + 8);
      at += 8 + path.length;
    }
    return bytes;
  }
}

/** The origins of a merged tree's inodes, by their numbers. */
export class Origins {
  readonly #layers: Uint16Array;
  readonly #paths: ReadonlyMap<number, Uint8Array>;

  /** Of what {@link readOrigins} reads. */
  constructor(layers: Uint16Array, paths: ReadonlyMap<number, Uint8Array>) {
    this.#layers = layers;
    this.#paths = paths;
  }

  /** The index of an inode's layer, 0 for the lowest; {@link NO_LAYER} for directories. */
  layer(ino: number): number {
    return ino < this.#layers.length ? this.#layers[ino] : NO_LAYER;
  }

  /** An inode's path in its layer, NUL-terminated; undefined where it is its path in the tree, as of nearly all. */
  path(ino: number): Uint8Array | undefined {
    return this.#paths.size === 0 ? undefined : this.#paths.get(ino);
  }
}

/**
 * Reads what {@link encodeOrigins} made.
 *
 * @throws {LaminaError} `invalid`.
 */
export function readOrigins(bytes: Uint8Array): Origins {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = () =>
    new LaminaError(
      "invalid",
      `reading a tree's origins: the file is damaged (${bytes.length} bytes)`,
    );
  if (bytes.length < HEADER || view.getUint32(0, true) !== MAGIC) throw bad();
  const count = view.getUint32(4, true);
  const paths = new Map<number, Uint8Array>();
  let at = pathsStart(count);
  for (let left = view.getUint32(8, true); left > 0; left--) {
    if (at + 8 > bytes.length) throw bad();
    const end = at + 8 + view.getUint32(at + 4, true);
    if (end > bytes.length || end === at + 8 || bytes[end - 1] !== 0) throw bad();
    paths.set(view.getUint32(at, true), bytes.subarray(at + 8, end));
    at = end;
  }
  if (at !== bytes.length) throw bad();
  // Little-endian, as are all machines that this runs on.
  return new Origins(new Uint16Array(bytes.slice(HEADER, HEADER + 2 * count).buffer), paths);
}

function pathsStart(inodes: number): number {
  // Not by bits: a count that a damaged file says may need more than 32.
  return 4 * Math.ceil((HEADER + 2 * inodes) / 4);
}
