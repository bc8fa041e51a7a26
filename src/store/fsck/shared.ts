/**
 * Which files of compositions are inodes of the store: who writes to one of these changes the store.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  displayPath,
  DT_DIR,
  Fd,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  openat,
  readDirectory,
  Stat,
  statx,
} from "../../linux/mod.ts";
import { readable } from "./records.ts";
import type { Store } from "../store.ts";

/** A file of a composition. */
export interface SharedFile {
  /** The composition's id. */
  readonly composition: string;
  /** The absolute path. */
  readonly path: string;
}

/** The files of compositions that are directories and share inodes; looked for when first asked for. */
export class SharedFiles {
  readonly #store: Store;
  #files: Map<number, SharedFile[]> | undefined;

  /** Those of a store. */
  constructor(store: Store) {
    this.#store = store;
  }

  /** The names that an inode of the store has in compositions. */
  of(ino: number): readonly SharedFile[] {
    return (this.#files ??= this.#find()).get(ino) ?? [];
  }

  #find(): Map<number, SharedFile[]> {
    const found = new Map<number, SharedFile[]>();
    const stat = new Stat();
    const device = deviceOf(this.#store.layout.objects, stat);
    for (const { id, target, result } of readable(this.#store)) {
      if (result !== "directory" || deviceOf(target, stat) !== device) continue;
      const pending = [target];
      for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
        const n = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (n < 0) continue;
        using directory = Fd.adopt(n);
        for (const { name, type } of readDirectory(directory.n)) {
          const below = `${path}/${displayPath(name)}`;
          if (type === DT_DIR) pending.push(below);
          else if (statx(directory.n, name, AT_SYMLINK_NOFOLLOW, stat) === 0 && stat.nlink > 1) {
            const file = { composition: id, path: below };
            found.set(stat.ino, [...found.get(stat.ino) ?? [], file]);
          }
        }
      }
    }
    return found;
  }
}

function deviceOf(path: string, stat: Stat): string | undefined {
  const r = statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, stat);
  return r < 0 ? undefined : `${stat.devMajor}:${stat.devMinor}`;
}
