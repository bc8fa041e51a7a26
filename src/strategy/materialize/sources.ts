/**
 * Where content and inodes come from: the store's objects, and the layers' own files.
 *
 * @module
 */

import {
  close,
  displayPath,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  openat,
  raiseFileLimit,
  SysError,
} from "../../linux/mod.ts";
import type { Origins } from "../../tree/mod.ts";
import type { LayerDirectory } from "../plugin.ts";
import { openBelow, type WalkPath } from "./path.ts";

const DIRECTORY = O_PATH | O_DIRECTORY | O_NOFOLLOW;

/**
 * Directories of layers that stay open while the walk is in the directory of the tree that they are part of. More layers than
 * this in one directory are reached by whole paths.
 */
const CACHED = 8;

/** The open layer directories of one directory of the tree. */
export class LayerDirectories {
  readonly layers: number[] = [];
  readonly fds: number[] = [];
  #last = -1;
  #lastFd = -1;

  /** The descriptor of a layer's directory, or -1 if it is not open. */
  get(layer: number): number {
    if (layer === this.#last) return this.#lastFd;
    const index = this.layers.indexOf(layer);
    if (index < 0) return -1;
    this.#last = layer;
    return this.#lastFd = this.fds[index];
  }

  /** Closes all. */
  clear(): void {
    if (this.fds.length === 0) return;
    for (const fd of this.fds) close(fd);
    this.layers.length = this.fds.length = 0;
    this.#last = -1;
  }
}

/** The place of an inode in a layer, for a call at once: a directory and a path below it. */
export interface Place {
  directory: number;
  name: Uint8Array;
}

/** The store's files, opened when first needed. */
export class Sources implements Disposable {
  readonly #layers: readonly LayerDirectory[];
  readonly #objects: string;
  readonly #origins: Origins;
  readonly #roots: number[];
  /** Whether any layer may have inodes without their content. */
  readonly #someHollow: boolean;
  #objectsFd = -1;
  readonly #place: Place = { directory: -1, name: new Uint8Array(1) };

  /**
   * @param layers The layers, lowest first.
   * @param objects Directory of the objects.
   */
  constructor(layers: readonly LayerDirectory[], objects: string, origins: Origins) {
    this.#layers = layers;
    this.#objects = objects;
    this.#origins = origins;
    this.#roots = new Array(layers.length).fill(-1);
    this.#someHollow = layers.some(({ data }) => data !== undefined);
    if (layers.length > 100) raiseFileLimit(4096);
  }

  /** Opens an object for reading. Returns the descriptor or `-errno`. */
  openObject(path: Uint8Array): number {
    if (this.#objectsFd < 0) {
      this.#objectsFd = Fd.open(this.#objects, O_PATH | O_DIRECTORY).release();
    }
    return openat(this.#objectsFd, path, O_RDONLY | O_NOFOLLOW);
  }

  /**
   * Where a layer has an inode. The answer is valid until the next call.
   *
   * @param ino The inode's number in the tree.
   * @param open The layer directories that are open for the tree's directory that the walk is in.
   * @param path Where in the tree that is.
   * @param name The inode's name there.
   * @throws {SysError} Where the layer does not have that directory.
   */
  locate(ino: number, open: LayerDirectories, path: WalkPath, name: Uint8Array): Place {
    const place = this.#place;
    const layer = this.#origins.layer(ino);
    const elsewhere = this.#origins.path(ino);
    if (elsewhere !== undefined) {
      place.directory = this.#root(layer);
      place.name = elsewhere;
      return place;
    }
    let fd = open.get(layer);
    if (fd < 0) {
      if (open.layers.length >= CACHED) {
        place.directory = this.#root(layer);
        place.name = path.child(name);
        return place;
      }
      const at = path.bytes;
      fd = openBelow(this.#root(layer), at, DIRECTORY);
      if (fd < 0) {
        throw new SysError(-fd, "open", `${displayPath(at)} in ${this.#layers[layer].path}`);
      }
      open.layers.push(layer);
      open.fds.push(fd);
    }
    place.directory = fd;
    place.name = name;
    return place;
  }

  /** Whether an inode's layer may have it without its content; see {@link plugin!LayerDirectory.data}. */
  mayBeHollow(ino: number): boolean {
    return this.#someHollow && this.#layers[this.#origins.layer(ino)].data !== undefined;
  }

  #root(layer: number): number {
    let fd = this.#roots[layer];
    if (fd === -1) {
      fd = this.#roots[layer] = Fd.open(this.#layers[layer].path, O_PATH | O_DIRECTORY).release();
    }
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#roots) if (fd >= 0) close(fd);
    this.#roots.fill(-1);
    if (this.#objectsFd >= 0) close(this.#objectsFd);
    this.#objectsFd = -1;
  }
}
