/**
 * Where a repair gets contents from: the store's own objects, other whole copies of them, layers that were fetched again.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  fstat,
  getxattrat,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  Stat,
  statx,
  toCString,
} from "../../../linux/mod.ts";
import type { ByteString, Inode } from "../../../tree/mod.ts";
import type { Store } from "../../store.ts";
import { ContentReader } from "../content.ts";
import { METACOPY } from "../expected.ts";
import { wrongContent } from "../objects.ts";

/** A file of a layer that has, or should have, a content. */
interface Copy {
  readonly diffId: string;
  readonly path: ByteString;
}

/** Contents by their payloads. */
export class Contents {
  readonly #store: Store;
  readonly #reader = new ContentReader();
  readonly #stat = new Stat();
  /** Objects that are not to be used. */
  readonly #bad = new Set<string>();
  /** Directories of objects of layers that were fetched again. */
  readonly #fetched: string[] = [];
  /** Of contents that were asked for: the path of a file that has it, or undefined for none. */
  readonly #known = new Map<string, Uint8Array | string | undefined>();
  #copies: Map<string, Copy[]> | undefined;

  /** Those of a store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The store's object is not to be used. */
  damaged(payload: string): void {
    this.#bad.add(payload);
    this.#known.clear();
    this.#copies = undefined;
  }

  /** Whether the store's object has the content. */
  isWhole(payload: string): boolean {
    const path = `${this.#store.layout.objects}/${payload}`;
    return !this.#bad.has(payload) && statx(AT_FDCWD, path, 0, this.#stat) === 0;
  }

  /** The store's object has the content again. */
  restored(payload: string): void {
    this.#bad.delete(payload);
    this.#known.delete(payload);
  }

  /** Adds a directory of objects, each of which is what its name says. */
  add(objects: string): void {
    this.#fetched.push(objects);
    this.#known.clear();
  }

  /** Opens a content for reading; undefined where nobody has it. */
  open(payload: string): Fd | undefined {
    if (!this.#known.has(payload)) this.#known.set(payload, this.#find(payload));
    const path = this.#known.get(payload);
    return path === undefined ? undefined : Fd.open(path, O_RDONLY | O_NOFOLLOW);
  }

  #find(payload: string): Uint8Array | string | undefined {
    const { objects } = this.#store.layout;
    if (this.isWhole(payload)) return `${objects}/${payload}`;
    const fetched = this.#fetched.map((directory) => `${directory}/${payload}`)
      .find((path) => statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, this.#stat) === 0);
    return fetched ?? this.#findCopy(payload);
  }

  #findCopy(payload: string): Uint8Array | undefined {
    const digest = payload.replace("/", "");
    for (const { diffId, path } of (this.#copies ??= this.#locate()).get(payload) ?? []) {
      const file = toCString(`${this.#store.layers.directory(diffId)}/${path}`);
      const n = openat(AT_FDCWD, file, O_RDONLY | O_NOFOLLOW);
      if (n < 0) continue;
      using fd = Fd.adopt(n);
      fstat(fd.n, this.#stat);
      // What stands without its content has none to give.
      if (getxattrat(AT_FDCWD, file, METACOPY, new Uint8Array(64)) >= 0) continue;
      if (wrongContent(AT_FDCWD, file, digest, this.#stat, this.#reader) === undefined) {
        return file;
      }
    }
  }

  /** The files that should have each content that is damaged or missing. */
  #locate(): Map<string, Copy[]> {
    const copies = new Map<string, Copy[]>();
    for (const diffId of this.#store.layers.list()) {
      const visit = (directory: Inode, prefix: ByteString) => {
        for (const [name, inode] of directory.children!) {
          if (inode.children !== null) visit(inode, `${prefix}${name}/`);
          else if (inode.digest !== null && !this.isWhole(inode.payload)) {
            const copy = { diffId, path: prefix + name };
            copies.set(inode.payload, [...copies.get(inode.payload) ?? [], copy]);
          }
        }
      };
      try {
        visit(this.#store.layers.tree(diffId), "");
      } catch {
        // One whose index is damaged, too, has nothing to offer.
      }
    }
    return copies;
  }
}
