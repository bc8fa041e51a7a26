/**
 * An image's merged tree as a job has it.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  ENOENT,
  Fd,
  fstat,
  MappedFile,
  O_RDONLY,
  openat,
  read,
  Stat,
} from "../linux/mod.ts";
import type { ImageRecord, Store } from "../store/mod.ts";
import type { Tree } from "./plugin.ts";

/** A tree whose image is read when it is asked for, into memory that threads can share. */
export class StoredTree implements Tree {
  readonly path: string;
  readonly digest: string;
  readonly directories: number;
  readonly files: number;
  readonly bytes: number;
  readonly #load: () => Uint8Array;
  #image: Uint8Array | undefined;
  #loadMilliseconds = 0;

  constructor(store: Store, image: ImageRecord) {
    const { tree } = image;
    this.path = store.layout.tree(tree.digest);
    this.digest = tree.digest;
    this.directories = tree.directories;
    this.files = tree.files;
    this.bytes = tree.bytes;
    this.#load = () => store.trees.load(image).image;
  }

  get image(): Uint8Array {
    if (this.#image === undefined) {
      const start = performance.now();
      // Where the file is missing, the store makes it again.
      this.#image = readShared(this.path) ?? this.#load();
      this.#loadMilliseconds = performance.now() - start;
    }
    return this.#image;
  }

  /** What reading the image took; 0 as long as nobody asked for it. */
  get loadMilliseconds(): number {
    return this.#loadMilliseconds;
  }
}

/** The image of a tree of which only a little is wanted: the rest is not read, however large it is. Not to be touched after disposal. */
export function mapTree(tree: Tree): { readonly bytes: Uint8Array } & Disposable {
  using file = open(tree.path);
  if (file === undefined) return { bytes: tree.image, [Symbol.dispose]() {} };
  return new MappedFile(file.fd, file.size);
}

function readShared(path: string): Uint8Array | undefined {
  using file = open(path);
  if (file === undefined) return undefined;
  const bytes = new Uint8Array(new SharedArrayBuffer(file.size));
  for (let done = 0; done < bytes.length;) {
    const length = check(read(file.fd, bytes.subarray(done)), "read", path);
    if (length === 0) break;
    done += length;
  }
  return bytes;
}

/** Opens the file of an image, if it is there. */
function open(
  path: string,
): ({ readonly fd: number; readonly size: number } & Disposable) | undefined {
  const n = openat(AT_FDCWD, path, O_RDONLY);
  if (n === -ENOENT) return undefined;
  const file = Fd.adopt(check(n, "open", path));
  const stat = new Stat();
  check(fstat(file.n, stat), "statx", path);
  return { fd: file.n, size: stat.size, [Symbol.dispose]: () => file[Symbol.dispose]() };
}
