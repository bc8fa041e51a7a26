/**
 * One layer: its directory against its index, entry by entry.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  Fd,
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
} from "../../tree/mod.ts";
import type { ContentReader } from "./content.ts";
import {
  differs,
  type ExpectedForm,
  METACOPY,
  NATIVE,
  REDIRECT,
  ROOTLESS_FORM,
  xattrDifferences,
} from "./expected.ts";
import type { FindingKind, Problem } from "./finding.ts";
import { type ContentCheck, LayerContents, openIfThere } from "./layer_contents.ts";

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
export interface LayerCheck extends ContentCheck {
  /** Whether the layer has a link to each object that it uses: see `COUNTED`. */
  readonly counted: boolean;
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
  readonly #report: (problem: Problem) => void;
  readonly #contents: LayerContents;
  /** On-disk inodes by those of the index: of several names, the first. */
  readonly #met = new Map<Inode, number>();
  readonly #stat = new Stat();
  readonly #target = new Uint8Array(4097);

  constructor(what: LayerCheck, reader: ContentReader, report: (problem: Problem) => void) {
    this.#what = what;
    this.#form = what.native ? NATIVE : ROOTLESS_FORM;
    this.#report = report;
    this.#contents = new LayerContents(what, reader, report);
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
    if (this.#what.counted) this.#contents.checkUses();
    return this.#contents.metacopies;
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
    const place = this.#contents.find(dir, name, inode, ino);
    const wrong = differs("size", inode.size, size);
    this.#metadata(dir, name, inode, path, wrong, place.redirect !== undefined);
    if (size !== inode.size) this.#problem("entry-content", path, "it has another size");
    else this.#contents.check(dir, name, inode, path, place);
  }

  #problem(kind: FindingKind, path: string, message: string): void {
    this.#report({ kind, path, message });
  }

  [Symbol.dispose](): void {
    this.#contents[Symbol.dispose]();
  }
}
