/**
 * One layer: its directory against its index, entry by entry, and its links to objects.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
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
  readlinkat,
  readXattrsAt,
  Stat,
  statx,
  SysError,
  toCString,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import {
  type ByteString,
  HARDLINK,
  type Inode,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  toHex,
} from "../../tree/mod.ts";
import { ContentReader, sameExtents } from "./content.ts";
import {
  differs,
  equal,
  type ExpectedForm,
  METACOPY,
  NATIVE,
  REDIRECT,
  ROOTLESS_FORM,
  xattrDifferences,
} from "./expected.ts";
import type { FindingKind, Problem } from "./finding.ts";
import { ObjectTable, wrongContent } from "./objects.ts";

const TYPE_NAMES = new Map([
  [S_IFREG, "a file"],
  [S_IFDIR, "a directory"],
  [S_IFLNK, "a symbolic link"],
  [S_IFCHR, "a character device"],
  [S_IFBLK, "a block device"],
  [S_IFIFO, "a fifo"],
  [S_IFSOCK, "a socket"],
]);

/** What to check of a layer, and against what. */
export interface LayerCheck {
  /** The layer's directory. */
  readonly path: string;
  /** The store's directory of objects. */
  readonly objects: string;
  /** Whether files are as root made them: `Store.native`. */
  readonly native: boolean;
  /** Whether the layer has a link to each object that it uses: see `COUNTED`. */
  readonly counted: boolean;
  /** Whether contents are not read. */
  readonly quick: boolean;
  /** Inodes of objects whose content is damaged. */
  readonly damaged: ReadonlySet<number>;
}

/**
 * Compares a layer's directory with its tree.
 *
 * @param root The tree, as the index has it.
 * @returns How many files have their content in `links/`.
 */
export function checkLayer(
  what: LayerCheck,
  root: Inode,
  reader: ContentReader,
  report: (problem: Problem) => void,
): number {
  using walk = new LayerWalk(what, reader, report);
  return walk.run(root);
}

/** A directory that is to be looked into. */
interface Below {
  readonly name: Uint8Array;
  readonly inode: Inode;
  readonly path: string;
}

/** The directories that are open on the way to where the walk is. */
class Levels implements Disposable {
  readonly #fds: Fd[] = [];

  open(dir: number, name: Uint8Array): number {
    const fd = Fd.openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#fds.push(fd);
    return fd.n;
  }

  /** Closes all but the first `count - 1`, the top of the walk being somebody else's. */
  close(count: number): void {
    while (this.#fds.length > Math.max(count - 1, 0)) this.#fds.pop()![Symbol.dispose]();
  }

  [Symbol.dispose](): void {
    this.close(0);
  }
}

class LayerWalk implements Disposable {
  readonly #what: LayerCheck;
  readonly #form: ExpectedForm;
  readonly #reader: ContentReader;
  readonly #report: (problem: Problem) => void;
  readonly #objects: ObjectTable;
  readonly #links: Fd | undefined;
  /** Inodes that have a name in `links/`. */
  readonly #linked = new Set<number>();
  /** On-disk inodes by those of the index: of several names, the first. */
  readonly #met = new Map<Inode, number>();
  /** Contents that the layer uses, and whether an inode of it has been found among its files. */
  readonly #used = new Map<string, boolean>();
  readonly #stat = new Stat();
  readonly #target = new Uint8Array(4097);
  #metacopies = 0;

  constructor(what: LayerCheck, reader: ContentReader, report: (problem: Problem) => void) {
    this.#what = what;
    this.#form = what.native ? NATIVE : ROOTLESS_FORM;
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

  run(root: Inode): number {
    const fs = openIfThere(`${this.#what.path}/fs`);
    if (fs === undefined) {
      this.#problem("entry-missing", "", "its directory fs/ is missing");
    } else {
      using directory = fs;
      check(statx(directory.n, ".", AT_SYMLINK_NOFOLLOW, this.#stat), "statx", "the layer");
      this.#metadata(directory.n, toCString("."), root, "", []);
      this.#tree(directory.n, root);
    }
    if (this.#what.counted) this.#checkUses();
    return this.#metacopies;
  }

  /** All below a directory, one open at each level: no recursion, since layers may be thousands of levels deep. */
  #tree(fd: number, root: Inode): void {
    using opened = new Levels();
    const levels = [{ fd, below: this.#directory(fd, root, "") }];
    for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
      const next = level.below.pop();
      if (next === undefined) {
        levels.pop();
        opened.close(levels.length);
        continue;
      }
      const child = opened.open(level.fd, next.name);
      levels.push({ fd: child, below: this.#directory(child, next.inode, `${next.path}/`) });
    }
  }

  /** The entries of a directory. Returns the directories among them, the last one first. */
  #directory(fd: number, directory: Inode, prefix: string): Below[] {
    const below: Below[] = [];
    const there = new Set<ByteString>();
    for (const { name } of readDirectory(fd)) there.add(byteString(name, 0, name.length - 1));
    for (const [name, inode] of directory.children!) {
      const known = there.delete(name);
      const path = prefix + name;
      // What is linked is in a lower layer: on disk there is nothing.
      if (inode.xattrs?.has(HARDLINK)) {
        if (known) this.#problem("entry-extra", path, "it is not in the layer");
      } else if (!known) this.#problem("entry-missing", path, "it is not on disk");
      else this.#entry(fd, toCString(name), inode, path, below);
    }
    for (const name of there) {
      this.#problem("entry-extra", prefix + name, "it is not in the layer");
    }
    return below.reverse();
  }

  #entry(dir: number, name: Uint8Array, inode: Inode, path: string, below: Below[]): void {
    const stat = this.#stat;
    const r = statx(dir, name, AT_SYMLINK_NOFOLLOW, stat);
    if (r < 0) return this.#problem("entry-missing", path, new SysError(-r, "statx", path).message);
    const type = stat.mode & S_IFMT;
    const types = this.#form.types(inode);
    if (!types.includes(type)) {
      const is = TYPE_NAMES.get(type) ?? "something else";
      return this.#problem(
        "entry-type",
        path,
        `it is ${is} instead of ${TYPE_NAMES.get(types[0])}`,
      );
    }
    if (type === S_IFDIR) {
      this.#metadata(dir, name, inode, path, []);
      below.push({ name, inode, path });
      return;
    }
    const first = this.#met.get(inode);
    if (first !== undefined) {
      if (first === stat.ino) return;
      return this.#problem("entry-metadata", path, "it is no longer one file with its other names");
    }
    if (inode.nlink > 1) this.#met.set(inode, stat.ino);
    if (type === S_IFREG && (inode.mode & S_IFMT) === S_IFREG) {
      this.#file(dir, name, inode, path);
    } else {
      const wrong = type === S_IFLNK ? this.#linkTarget(dir, name, inode) : [];
      this.#metadata(dir, name, inode, path, wrong);
    }
  }

  #linkTarget(dir: number, name: Uint8Array, { target }: Inode): string[] {
    const length = check(readlinkat(dir, name, this.#target), "readlink", "the link");
    const there = byteString(this.#target, 0, length);
    return there === target ? [] : ["it leads elsewhere"];
  }

  /** Compares what is not content. `#stat` is the entry's. */
  #metadata(
    dir: number,
    name: Uint8Array,
    inode: Inode,
    path: string,
    wrong: readonly string[],
    metacopy = false,
  ): void {
    const expected = this.#form.xattrs(inode, this.#stat);
    const ignores = (key: ByteString) =>
      this.#form.ignores(key) || metacopy && (key === METACOPY || key === REDIRECT);
    const all = [
      ...wrong,
      ...this.#form.stat(inode, this.#stat),
      ...xattrDifferences(expected, readXattrsAt(dir, name), ignores),
    ];
    if (all.length > 0) this.#problem("entry-metadata", path, all.join("; "));
  }

  #file(dir: number, name: Uint8Array, inode: Inode, path: string): void {
    const { ino, size } = this.#stat;
    const known = inode.digest === null ? [] : this.#objects.inodes(inode.payload);
    const own = known.includes(ino);
    const link = own || !this.#what.native ? undefined : this.#redirect(dir, name);
    this.#metadata(dir, name, inode, path, differs("size", inode.size, size), link !== undefined);
    if (size !== inode.size) return this.#problem("entry-content", path, "it has another size");
    if (inode.digest === null) return this.#inline(dir, name, inode, path);
    const { payload } = inode;
    if (known.length === 0) {
      if (!this.#used.has(payload)) {
        const message = `objects/${payload} is missing`;
        this.#report({ kind: "layer-object", path, message, payload });
      }
    }
    this.#used.set(payload, own || (this.#used.get(payload) ?? false));
    if (own) return this.#ofObject(ino, path, payload);
    if (link !== undefined) return this.#metacopy(link, known, path, inode);
    if (this.#what.quick) return;
    if (this.#sharesExtents(dir, name, payload, size) && !known.some(this.#isDamaged)) return;
    statx(dir, name, AT_SYMLINK_NOFOLLOW, this.#stat);
    const wrong = wrongContent(dir, name, toHex(inode.digest), this.#stat, this.#reader);
    if (wrong !== undefined) this.#problem("entry-content", path, wrong, payload, ino);
  }

  #isDamaged = (ino: number): boolean => this.#what.damaged.has(ino);

  /** A file whose inode is the object's own is as whole as the object. */
  #ofObject(ino: number, path: string, payload: string): void {
    if (!this.#isDamaged(ino)) return;
    const message = `its content was changed, and with it objects/${payload}`;
    this.#problem("entry-content", path, message, payload, ino);
  }

  /** Where overlayfs finds the content of a file that stands without it; undefined for any other. */
  #redirect(dir: number, name: Uint8Array): string | undefined {
    if (getxattrat(dir, name, METACOPY, this.#target) < 0) return undefined;
    const length = getxattrat(dir, name, REDIRECT, this.#target);
    return length < 0 ? "" : byteString(this.#target, 0, length);
  }

  #metacopy(
    redirect: string,
    known: readonly number[],
    path: string,
    { payload, size }: Inode,
  ): void {
    this.#metacopies++;
    const name = redirect.slice(1);
    const sound = redirect.startsWith("/") && name !== "" && !name.includes("/");
    const r = sound && this.#links !== undefined
      ? statx(this.#links.n, toCString(name), AT_SYMLINK_NOFOLLOW, this.#stat)
      : -1;
    if (r < 0) {
      const message = `its content, links${displayPath(toCString(redirect))}, is missing`;
      return this.#problem("entry-content", path, message, payload);
    }
    const { ino } = this.#stat;
    if (known.includes(ino)) return this.#ofObject(ino, path, payload);
    // Another inode may have the content all the same.
    const digest = payload.replace("/", "");
    const wrong = this.#what.quick
      ? this.#stat.size === size ? undefined : "it has another size"
      : wrongContent(this.#links!.n, toCString(name), digest, this.#stat, this.#reader);
    if (wrong !== undefined) {
      this.#problem("entry-content", path, `links/${name}: ${wrong}`, payload, ino);
    }
  }

  #inline(dir: number, name: Uint8Array, { content, size }: Inode, path: string): void {
    if (this.#what.quick || content === null || size === 0) return;
    using fd = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    if (!equal(this.#reader.whole(fd.n, size), content)) {
      this.#problem("entry-content", path, "its content was changed");
    }
  }

  #sharesExtents(dir: number, name: Uint8Array, payload: string, size: number): boolean {
    const object = this.#objects.open(payload);
    if (object < 0) return false;
    using other = Fd.adopt(object);
    using file = Fd.openat(dir, name, O_RDONLY | O_NOFOLLOW);
    return sameExtents(file.n, other.n, size);
  }

  /** Each object that is used must have the layer's link, in `fs/` or in `links/`. */
  #checkUses(): void {
    for (const [payload, own] of this.#used) {
      if (own) continue;
      const inodes = this.#objects.inodes(payload);
      if (inodes.length === 0 || inodes.some((ino) => this.#linked.has(ino))) continue;
      const message = `links/ has no link to objects/${payload}`;
      this.#report({ kind: "layer-links", message, payload });
    }
  }

  #problem(kind: FindingKind, path: string, message: string, payload?: string, ino?: number): void {
    this.#report({ kind, path, message, payload, ino });
  }

  [Symbol.dispose](): void {
    this.#links?.[Symbol.dispose]();
    this.#objects[Symbol.dispose]();
  }
}

/** Errors of a directory that is not there, or of something else in its place. */
const ABSENT = new Set([ENOENT, ENOTDIR, ELOOP]);

function openIfThere(path: string): Fd | undefined {
  try {
    return Fd.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof SysError && ABSENT.has(error.errno)) return undefined;
    throw error;
  }
}
