/**
 * Where a repair puts what it takes out of the store: nothing is lost that somebody may still want to look at.
 *
 * @module
 */

import { AT_FDCWD, check, displayPath, renameat2 } from "../../../linux/mod.ts";
import { syncDirectory, writeDurably } from "../../atomic.ts";
import type { Layout } from "../../layout.ts";

/** `quarantine/N/`: what was moved in one repair, and `note.txt`, which says from where and why. */
export class Quarantine {
  readonly #layout: Layout;
  #path: string | undefined;
  #count = 0;
  /** Where things were, from the store's directory. */
  readonly moved: string[] = [];

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Its directory, once something was moved. */
  get path(): string | undefined {
    return this.#path;
  }

  /**
   * Moves a file or directory here.
   *
   * @param dir Descriptor of the directory that holds it.
   * @param from Its path for the note.
   * @throws {SysError}
   */
  move(dir: number, name: Uint8Array | string, from: string, why: string): void {
    const place = this.#path ??= this.#make();
    const n = String(++this.#count);
    // The note first: what is there without one would be a riddle.
    writeDurably(`${place}/${n}.note.txt`, `${displayPath(from)}: ${why}\n`);
    const r = renameat2(dir, name, AT_FDCWD, `${place}/${n}`, 0);
    check(r, "renameat2", displayPath(from));
    syncDirectory(place);
    this.moved.push(displayPath(from));
  }

  /** {@link move} by path, absolute and in the store. */
  movePath(path: string, why: string): void {
    this.move(AT_FDCWD, path, path.slice(this.#layout.root.length + 1), why);
  }

  #make(): string {
    Deno.mkdirSync(this.#layout.quarantine, { recursive: true, mode: 0o700 });
    const when = new Date().toISOString().replace(/[:.]/g, "-");
    const path = `${this.#layout.quarantine}/${when}`;
    Deno.mkdirSync(path, { mode: 0o700 });
    return path;
  }
}
