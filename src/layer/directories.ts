/**
 * The directories of a layer while it is unpacked: in memory, and open on disk along the current path.
 *
 * Paths are walked in memory, where every entry so far is known, and on disk by one openat(2) with O_NOFOLLOW for each
 * component. So no symbolic link is ever followed by the kernel: one that the archive has on the way to an entry is followed in memory,
 * within the layer.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError } from "../limits.ts";
import {
  close,
  displayPath,
  mkdirat,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  openat,
  unlinkat,
} from "../linux/mod.ts";
import { type ByteString, type Inode, isWhiteout } from "../tree/inode.ts";
import { must, NameBuffer } from "./cname.ts";
import { isDirectory, isSymlink, makeImplied } from "./marks.ts";

/** Symbolic links followed on one path, as many as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;

/** A directory by its names from the root, and the inodes on that way: one more, the root's first. */
export interface Chain {
  readonly names: ByteString[];
  readonly inodes: Inode[];
}

/** The directories of one layer. */
export class Directories implements Disposable {
  readonly root: Inode = makeImplied();
  /** Those without an entry of their own. */
  readonly implied: Set<Inode> = new Set([this.root]);
  /** Those that hide what lower layers have in them. */
  readonly opaque: Set<Inode> = new Set();
  /** Known in memory and not on disk yet; true where a whiteout on disk has its name. */
  readonly #unmade = new Map<Inode, boolean>();
  readonly #main: Cursor;
  readonly #other: Cursor;
  /**
   * The path that {@link enter} was given last. It stays right whatever is removed: things are removed from the directory
   * entered, never above it.
   */
  #entered: ByteString | undefined;
  #inode: Inode = this.root;
  #fd: number;
  readonly #depth: number;

  /**
   * Makes the root.
   *
   * @param fs Descriptor of the root directory on disk; stays the caller's.
   * @param depth Most directories within each other (`pathDepth`).
   */
  constructor(fs: number, depth: number) {
    this.#fd = fs;
    this.#depth = depth;
    this.#main = new Cursor(this.root, fs, this.#unmade);
    this.#other = new Cursor(this.root, fs, this.#unmade);
  }

  /** The directory entered last. */
  get inode(): Inode {
    return this.#inode;
  }

  /** Its descriptor (O_PATH), valid until the next {@link enter}. */
  get fd(): number {
    return this.#fd;
  }

  /**
   * Goes to a directory. What is missing of its path is made, as implied directories; a symbolic link on it is followed as
   * far as the layer itself knows: beyond, where only lower layers can, its target is implied in turn.
   *
   * @param path Normalised.
   * @throws {LaminaError} `invalid`: something on the path is no directory.
   */
  enter(path: ByteString): void {
    if (path === this.#entered) return;
    const chain = this.#walk(path, true)!;
    this.#inode = chain.inodes[chain.inodes.length - 1];
    this.#fd = this.#main.enter(chain);
    this.#entered = path;
  }

  /** A directory of the layer by its path, links followed; undefined where it has none there. */
  find(path: ByteString): Chain | undefined {
    return this.#walk(path, false);
  }

  /** Opens what {@link find} found; valid until the next call. The directory entered stays. */
  open(chain: Chain): number {
    return this.#other.enter(chain);
  }

  /** Makes a directory on disk, in the one that has been entered. */
  make(name: Uint8Array): void {
    makeDirectory(this.#fd, name, false);
  }

  [Symbol.dispose](): void {
    this.#main[Symbol.dispose]();
    this.#other[Symbol.dispose]();
  }

  #walk(path: ByteString, create: boolean): Chain | undefined {
    const names: ByteString[] = [];
    const inodes: Inode[] = [this.root];
    let rest = path === "" ? [] : path.split("/");
    let links = 0;
    for (let i = 0; i < rest.length; i++) {
      const name = rest[i];
      // These come from targets of links only. A target leads up at most to the layer's root.
      if (name === "" || name === ".") continue;
      if (name === "..") {
        if (names.length === 0) continue;
        const left = inodes[inodes.length - 1];
        if (this.implied.has(left) || this.#unmade.has(left)) {
          // In a lower layer it may be a link, and what is above it elsewhere.
          if (!create) return undefined;
          throw new LaminaError(
            "invalid",
            `a symbolic link on its path leads into ${display(names.join("/"))}, of which this ` +
              "layer has no entry, and out again: where to, only lower layers know",
          );
        }
        names.pop();
        inodes.pop();
        continue;
      }
      const directory = inodes[inodes.length - 1];
      let child = directory.children!.get(name);
      if (child !== undefined && isSymlink(child)) {
        if (++links > MAX_LINKS) {
          throw new LaminaError("invalid", "symbolic links on its path lead in a circle");
        }
        if (child.target.startsWith("/")) {
          names.length = 0;
          inodes.length = 1;
        }
        rest = [...child.target.split("/"), ...rest.slice(i + 1)];
        i = -1;
        continue;
      }
      if (child === undefined || isWhiteout(child)) {
        if (!create) return undefined;
        child = this.#imply(directory, name, child !== undefined);
      } else if (!isDirectory(child)) {
        if (!create) return undefined;
        throw new LaminaError(
          "invalid",
          `${display([...names, name].join("/"))} on its path is no directory in this layer`,
        );
      }
      names.push(name);
      inodes.push(child);
      if (names.length > this.#depth) throw this.#tooDeep(names);
    }
    return { names, inodes };
  }

  #tooDeep(names: readonly ByteString[]): LaminaError {
    const shown = display(names.slice(0, 8).join("/"));
    const what = `it lies more than ${this.#depth} directories deep, in ${shown}/…`;
    return limitError("making its directory", what, "pathDepth", this.#depth);
  }

  #imply(directory: Inode, name: ByteString, overWhiteout: boolean): Inode {
    if (name.length > 255 || name.startsWith(".wh.")) {
      throw new LaminaError(
        "invalid",
        `a symbolic link on its path leads to ${display(name)}, which no directory can be called`,
      );
    }
    const inode = makeImplied();
    // A whiteout and then something in a directory of that name: a new directory instead of the lower layers'.
    if (overWhiteout) this.opaque.add(inode);
    else this.implied.add(inode);
    directory.children!.set(name, inode);
    this.#unmade.set(inode, overWhiteout);
    return inode;
  }
}

/** Descriptors along one path. */
class Cursor implements Disposable {
  readonly #inodes: Inode[];
  readonly #fds: number[];
  readonly #unmade: Map<Inode, boolean>;
  readonly #name = new NameBuffer();

  constructor(root: Inode, fs: number, unmade: Map<Inode, boolean>) {
    this.#inodes = [root];
    this.#fds = [fs];
    this.#unmade = unmade;
  }

  /** Goes to the end of a chain, from where it parts from the one before. Returns the last descriptor. */
  enter({ names, inodes }: Chain): number {
    let depth = 1;
    while (depth < inodes.length && this.#inodes[depth] === inodes[depth]) depth++;
    this.#closeFrom(depth);
    for (; depth < inodes.length; depth++) {
      const above = this.#fds[depth - 1];
      const name = this.#name.set(names[depth - 1]);
      const unmade = this.#unmade.size > 0 ? this.#unmade.get(inodes[depth]) : undefined;
      if (unmade !== undefined) {
        makeDirectory(above, name, unmade);
        this.#unmade.delete(inodes[depth]);
      }
      const fd = openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
      this.#fds.push(must(fd, "open", name));
      this.#inodes.push(inodes[depth]);
    }
    return this.#fds[depth - 1];
  }

  #closeFrom(depth: number): void {
    while (this.#inodes.length > depth) {
      this.#inodes.pop();
      close(this.#fds.pop()!);
    }
  }

  [Symbol.dispose](): void {
    this.#closeFrom(1);
  }
}

/** Makes a directory that only its maker can enter: what it is to be in the end is set in the end. */
function makeDirectory(above: number, name: Uint8Array, overWhiteout: boolean): void {
  if (overWhiteout) must(unlinkat(above, name), "unlink", name);
  must(mkdirat(above, name, 0o700), "mkdir", name);
}

/** A path as messages show it. */
export function display(path: ByteString): string {
  return displayPath(Uint8Array.from(path + "\0", (c) => c.charCodeAt(0)));
}
