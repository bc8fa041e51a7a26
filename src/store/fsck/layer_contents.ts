/**
 * The contents of a layer's files: where each is (in the file, in an object's inode, in `links/`, or in the index), whether it is whole, and
 * whether the layer counts as one that uses it.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  displayPath,
  ELOOP,
  ENOENT,
  ENOTDIR,
  Fd,
  getxattrat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  readDirectory,
  Stat,
  statx,
  SysError,
  toCString,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import { type Inode, toHex } from "../../tree/mod.ts";
import { type ContentReader, sameExtents } from "./content.ts";
import { equal, METACOPY, REDIRECT } from "./expected.ts";
import type { Problem } from "./finding.ts";
import { ObjectTable, wrongContent } from "./objects.ts";

/** What to check of a layer's contents, and against what. */
export interface ContentCheck {
  /** The layer's directory. */
  readonly path: string;
  /** The store's directory of objects. */
  readonly objects: string;
  /** Whether files are as root made them: `Store.native`. */
  readonly native: boolean;
  /** Whether contents are not read. */
  readonly quick: boolean;
  /** Inodes of objects whose content is damaged. */
  readonly damaged: ReadonlySet<number>;
}

/** Where a file's content is. */
export interface ContentPlace {
  /** Inode number of the file. */
  readonly ino: number;
  /** The inodes of its object. */
  readonly known: readonly number[];
  /** Whether the file's is one of them. */
  readonly own: boolean;
  /** Where overlayfs finds the content of a file that stands without it; undefined for any other. */
  readonly redirect: string | undefined;
}

/** Checks the contents of one layer, file by file. */
export class LayerContents implements Disposable {
  readonly #what: ContentCheck;
  readonly #reader: ContentReader;
  readonly #report: (problem: Problem) => void;
  readonly #objects: ObjectTable;
  readonly #links: Fd | undefined;
  /** Inodes that have a name in `links/`. */
  readonly #linked = new Set<number>();
  /** Contents that the layer uses, and whether an inode of it has been found among its files. */
  readonly #used = new Map<string, boolean>();
  readonly #stat = new Stat();
  readonly #value = new Uint8Array(4097);
  /** Files that have their content in `links/`. */
  metacopies = 0;

  /** Opens the layer's `links/`, if it has any, and the objects. */
  constructor(what: ContentCheck, reader: ContentReader, report: (problem: Problem) => void) {
    this.#what = what;
    this.#reader = reader;
    this.#report = report;
    this.#objects = new ObjectTable(what.objects);
    this.#links = openIfThere(`${what.path}/links`);
    if (this.#links === undefined) return;
    for (const { name } of readDirectory(this.#links.n)) {
      const r = statx(this.#links.n, name, AT_SYMLINK_NOFOLLOW, this.#stat);
      if (r === 0) this.#linked.add(this.#stat.ino);
    }
  }

  /** Finds out where a file's content is. */
  find(dir: number, name: Uint8Array, inode: Inode, ino: number): ContentPlace {
    const known = inode.digest === null ? [] : this.#objects.inodes(inode.payload);
    const own = known.includes(ino);
    const redirect = own || !this.#what.native ? undefined : this.#redirect(dir, name);
    return { ino, known, own, redirect };
  }

  /** Checks the content of a file that has the right size. */
  check(dir: number, name: Uint8Array, inode: Inode, path: string, place: ContentPlace): void {
    if (inode.digest === null) return this.#inline(dir, name, inode, path);
    const { payload, size } = inode;
    const { ino, known, own, redirect } = place;
    if (known.length === 0 && !this.#used.has(payload)) {
      const message = `objects/${payload} is missing`;
      this.#report({ kind: "layer-object", path, message, payload });
    }
    this.#used.set(payload, own || (this.#used.get(payload) ?? false));
    if (own) return this.#ofObject(ino, path, payload);
    if (redirect !== undefined) return this.#metacopy(redirect, known, path, inode);
    if (this.#what.quick) return;
    if (this.#sharesExtents(dir, name, payload, size) && !known.some(this.#isDamaged)) return;
    statx(dir, name, AT_SYMLINK_NOFOLLOW, this.#stat);
    const wrong = wrongContent(dir, name, toHex(inode.digest), this.#stat, this.#reader);
    if (wrong !== undefined) this.#problem(path, wrong, payload, ino);
  }

  /** After all files: each object that is used must have the layer's link, in `fs/` or in `links/`. */
  checkUses(): void {
    for (const [payload, own] of this.#used) {
      if (own) continue;
      const inodes = this.#objects.inodes(payload);
      if (inodes.length === 0 || inodes.some((ino) => this.#linked.has(ino))) continue;
      const message = `links/ has no link to objects/${payload}`;
      this.#report({ kind: "layer-links", message, payload });
    }
  }

  #isDamaged = (ino: number): boolean => this.#what.damaged.has(ino);

  /** A file whose inode is the object's own is as whole as the object. */
  #ofObject(ino: number, path: string, payload: string): void {
    if (!this.#isDamaged(ino)) return;
    this.#problem(path, `its content was changed, and with it objects/${payload}`, payload, ino);
  }

  #redirect(dir: number, name: Uint8Array): string | undefined {
    if (getxattrat(dir, name, METACOPY, this.#value) < 0) return undefined;
    const length = getxattrat(dir, name, REDIRECT, this.#value);
    return length < 0 ? "" : byteString(this.#value, 0, length);
  }

  #metacopy(
    redirect: string,
    known: readonly number[],
    path: string,
    { payload, size }: Inode,
  ): void {
    this.metacopies++;
    const name = redirect.slice(1);
    const sound = redirect.startsWith("/") && name !== "" && !name.includes("/");
    const r = sound && this.#links !== undefined
      ? statx(this.#links.n, toCString(name), AT_SYMLINK_NOFOLLOW, this.#stat)
      : -1;
    if (r < 0) {
      const message = `its content, links${displayPath(toCString(redirect))}, is missing`;
      return this.#problem(path, message, payload);
    }
    const { ino } = this.#stat;
    if (known.includes(ino)) return this.#ofObject(ino, path, payload);
    // Another inode may have the content all the same.
    const digest = payload.replace("/", "");
    const wrong = this.#what.quick
      ? this.#stat.size === size ? undefined : "it has another size"
      : wrongContent(this.#links!.n, toCString(name), digest, this.#stat, this.#reader);
    if (wrong !== undefined) this.#problem(path, `links/${name}: ${wrong}`, payload, ino);
  }

  #inline(dir: number, name: Uint8Array, { content, size }: Inode, path: string): void {
    if (this.#what.quick || content === null || size === 0) return;
    using fd = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    if (!equal(this.#reader.whole(fd.n, size), content)) {
      this.#problem(path, "its content was changed");
    }
  }

  #sharesExtents(dir: number, name: Uint8Array, payload: string, size: number): boolean {
    const object = this.#objects.open(payload);
    if (object < 0) return false;
    using other = Fd.adopt(object);
    using file = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    return sameExtents(file.n, other.n, size);
  }

  #problem(path: string, message: string, payload?: string, ino?: number): void {
    this.#report({ kind: "entry-content", path, message, payload, ino });
  }

  [Symbol.dispose](): void {
    this.#links?.[Symbol.dispose]();
    this.#objects[Symbol.dispose]();
  }
}

/** Errors of a directory that is not there, or of something else in its place. */
const ABSENT = new Set([ENOENT, ENOTDIR, ELOOP]);

/** Opens a directory; undefined where there is none. */
export function openIfThere(path: string): Fd | undefined {
  try {
    return Fd.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof SysError && ABSENT.has(error.errno)) return undefined;
    throw error;
  }
}
