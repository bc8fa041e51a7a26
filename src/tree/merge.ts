/**
 * Layers merged into the tree of an image.
 *
 * - A whiteout hides what lower layers hold, never an entry of its own layer; an opaque directory does so for all that is in it.
 * - A directory over a directory: the upper one's metadata, the entries of both. Anything else replaces what is below.
 * - A directory that a layer only implies keeps the metadata that it has below. Over a symbolic link that leads to a directory (inside
 *   the root), its entries go where the link leads; over one that leads nowhere, it is a directory in the link's place.
 * - A hard link to a file of a lower layer is a further name of that file, as it was before the layer.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { limitError, LIMITS } from "../limits.ts";
import { countLinks } from "./count.ts";
import { metadataEqual, overlayDifference } from "./difference.ts";
import {
  type ByteString,
  Inode,
  isWhiteout,
  type Origin,
  S_IFCHR,
  S_IFLNK,
  S_IFMT,
} from "./inode.ts";
import { HARDLINK, IMPLIED, isMark, OPAQUE } from "./marks.ts";

/** Symbolic links that one path may go through: MAXSYMLINKS of the kernel. */
const MAX_SYMLINKS = 40;

/** Directories within each other: as many as one layer may have. Links of lower layers could lead from depth to depth. */
const MAX_DEPTH = LIMITS.pathDepth.most!;

/** The tree of an image. */
export interface Merged {
  /** The tree, without marks; every inode but directories with its {@link Inode.origin}, link counts counted. */
  readonly root: Inode;
  /**
   * What has to lie on top of the layers' directories so that a plain stack of overlay lower directories shows the tree: a layer's
   * tree with whiteouts, whose files carry the origin that they are to be linked from. Undefined where the stack shows it anyway.
   */
  readonly fixup: Inode | undefined;
}

/**
 * Merges the trees of an image's layers, lowest first. The layers' directories stay as they are; their other inodes become the tree's.
 *
 * @throws {LaminaError} `invalid` for a hard link to a file that no lower layer has; the message names path and layer (by number, 1 for the
 * lowest).
 */
export function mergeLayers(layers: readonly Inode[]): Merged {
  const merge = new Merge();
  layers.forEach((layer, index) => merge.add(layer, index));
  countLinks(merge.root);
  if (!merge.special) return { root: merge.root, fixup: undefined };
  return { root: merge.root, fixup: overlayDifference(plainStack(layers), merge.root) };
}

/**
 * Merges layers one by one, lowest first. What it yields, after every layer, is always the same tree, which the next step changes; its link
 * counts are not counted.
 *
 * @throws {LaminaError} As {@link mergeLayers}.
 */
export function* mergeSteps(layers: Iterable<Inode>): Generator<Inode> {
  const merge = new Merge();
  let index = 0;
  for (const layer of layers) {
    merge.add(layer, index++);
    yield merge.root;
  }
}

/**
 * What a plain stack of overlay lower directories shows of layers: a directory that is only implied counts like any other, a hard link to a
 * lower layer's file is not there, and a root is never opaque. In a directory that just one layer has, or that is opaque, overlayfs has
 * nothing to merge, and lists its whiteouts.
 */
export function plainStack(layers: readonly Inode[]): Inode {
  const root = new Inode(0o040755);
  const listed = new Map<Inode, readonly ByteString[]>();
  const lay = (upper: Inode, onto: Inode, alone: boolean): void => {
    copyMetadata(upper, onto);
    const opaque = onto !== root && isOpaque(upper);
    const below = opaque ? new Map<ByteString, Inode>() : new Map(onto.children!);
    onto.children = below;
    const whiteouts: ByteString[] = [];
    for (const [name, inode] of upper.children!) {
      if (isWhiteout(inode)) {
        below.delete(name);
        whiteouts.push(name);
      } else if (inode.children !== null) {
        const there = below.get(name);
        const directory = there?.children ? there : new Inode(inode.mode);
        below.set(name, directory);
        lay(inode, directory, directory !== there);
      } else if (!inode.xattrs?.has(HARDLINK)) below.set(name, inode);
    }
    listed.set(onto, alone || opaque ? whiteouts : []);
  };
  for (const layer of layers) lay(layer, root, false);
  for (const [directory, names] of listed) {
    for (const name of names) directory.children!.set(name, new Inode(S_IFCHR));
  }
  return root;
}

/** A merge under way. */
class Merge {
  readonly root = new Inode(0o040755);
  /** Whether something was met that a plain stack may not show. */
  special = false;
  #layer = 0;
  #origin: Origin = { layer: 0, path: null };
  /** The inodes that this layer's hard links into lower layers lead to, by the placeholder. */
  readonly #linked = new Map<Inode, Inode>();

  add(layer: Inode, index: number): void {
    this.#layer = index;
    this.#origin = { layer: index, path: null };
    this.#linked.clear();
    // Links first: they mean the tree as it was. Then what the layer removes, and last what it brings, so that it removes nothing of its own.
    if (isOpaque(layer)) this.special = true;
    if (this.#resolveLinks(layer, "")) this.#remove(layer, [this.root]);
    if (!isImplied(layer)) copyMetadata(layer, this.root);
    else if (!sameMetadata(layer, this.root)) this.special = true;
    this.#bring(layer, [this.root], "", false);
  }

  /** Finds what the layer's hard links into lower layers mean; returns whether the layer removes anything. */
  #resolveLinks(directory: Inode, path: ByteString): boolean {
    let removes = isOpaque(directory);
    for (const [name, inode] of directory.children!) {
      if (inode.children !== null) {
        if (this.#resolveLinks(inode, `${path}${name}/`)) removes = true;
      } else if (isWhiteout(inode)) removes = true;
      else {
        const target = inode.xattrs?.get(HARDLINK);
        if (target !== undefined) {
          this.#resolveLink(inode, path + name, String.fromCharCode(...target));
        }
      }
    }
    return removes;
  }

  #resolveLink(placeholder: Inode, path: ByteString, target: ByteString): void {
    this.special = true;
    const cut = target.lastIndexOf("/");
    const parent = this.#follow([this.root], target.slice(0, Math.max(cut, 0)));
    const inode = parent === undefined
      ? undefined
      : parent.at(-1)!.children!.get(target.slice(cut + 1));
    if (inode === undefined || inode.children !== null) {
      const why = inode === undefined ? "no lower layer has that file" : "that is a directory";
      throw new LaminaError(
        "invalid",
        `merging layer ${this.#layer + 1}: ${path} is a hard link to ${target}, but ${why}`,
        { hint: "The image is broken: build it again, or pull it again from its source." },
      );
    }
    // Its new name is no path of the layer that it comes from, so that path must be said.
    if (inode.origin!.path === null) {
      inode.origin = {
        layer: inode.origin!.layer,
        path: this.#pathOf(parent!, target.slice(cut + 1)),
      };
    }
    this.#linked.set(placeholder, inode);
  }

  /** Takes away what a layer's whiteouts and opaque directories hide. `stack` leads from the root to the directory. */
  #remove(upper: Inode, stack: readonly Inode[]): void {
    const below = stack.at(-1)!.children!;
    if (isOpaque(upper)) {
      if (holdsWhiteout(upper)) this.special = true;
      return below.clear();
    }
    for (const [name, inode] of upper.children!) {
      if (isWhiteout(inode)) below.delete(name);
      else if (inode.children !== null) {
        const onto = this.#counterpart(inode, name, stack);
        if (onto === undefined) {
          if (holdsWhiteout(inode)) this.special = true;
          continue;
        }
        if (onto.at(-1) !== below.get(name)) this.special = true;
        this.#remove(inode, onto);
      }
    }
  }

  /**
   * Puts a layer's entries into the tree.
   *
   * @param stack Leads from the root to the directory of the tree.
   * @param path Of the directory in the layer, with a slash at its end unless empty.
   * @param moved Whether its path in the tree is another one.
   */
  #bring(upper: Inode, stack: readonly Inode[], path: ByteString, moved: boolean): void {
    const into = stack.at(-1)!.children!;
    for (const [name, inode] of upper.children!) {
      if (inode.children !== null) this.#bringDirectory(inode, name, stack, path, moved);
      else if (!isWhiteout(inode)) {
        into.set(name, this.#linked.get(inode) ?? this.#claim(inode, path + name, moved));
      }
    }
  }

  #bringDirectory(
    inode: Inode,
    name: ByteString,
    stack: readonly Inode[],
    path: ByteString,
    moved: boolean,
  ): void {
    const into = stack.at(-1)!.children!;
    let onto = this.#counterpart(inode, name, stack);
    if (onto === undefined) {
      const directory = new Inode(inode.mode);
      copyMetadata(inode, directory);
      into.set(name, directory);
      onto = [...stack, directory];
      // The root is the first.
      if (onto.length > MAX_DEPTH + 1) throw this.#tooDeep(path + name);
    } else if (onto.at(-1) !== into.get(name)) {
      this.special = true;
      moved = true;
    } else if (!isImplied(inode)) copyMetadata(inode, onto.at(-1)!);
    else if (!sameMetadata(inode, onto.at(-1)!)) this.special = true;
    this.#bring(inode, onto, `${path}${name}/`, moved);
  }

  #tooDeep(path: ByteString): LaminaError {
    const shown = path.length > 300 ? `${path.slice(0, 300)}…` : path;
    return limitError(
      `merging layer ${this.#layer + 1}: ${shown}`,
      `where symbolic links of lower layers lead, it lies more than ${MAX_DEPTH} directories deep`,
      "pathDepth",
      MAX_DEPTH,
    );
  }

  /** The tree's directory that a layer's directory means, if there is one: the same, or where a symbolic link leads for an implied one. */
  #counterpart(
    inode: Inode,
    name: ByteString,
    stack: readonly Inode[],
  ): readonly Inode[] | undefined {
    const there = stack.at(-1)!.children!.get(name);
    if (there === undefined) return undefined;
    if (there.children !== null) return [...stack, there];
    if (!isImplied(inode) || (there.mode & S_IFMT) !== S_IFLNK) return undefined;
    return this.#follow(stack, there.target, { left: MAX_SYMLINKS - 1 });
  }

  /** Makes an inode of the layer one of the tree. */
  #claim(inode: Inode, path: ByteString, moved: boolean): Inode {
    if (moved) inode.origin = { layer: this.#layer, path };
    // A hard link with one name where it was and one elsewhere keeps the path that was said.
    else if (inode.origin?.layer !== this.#layer || inode.origin.path === null) {
      inode.origin = this.#origin;
    }
    inode.canonical = "";
    return inode;
  }

  /**
   * Goes from a directory along a path, through symbolic links, inside the root; undefined where that is not a directory.
   *
   * @param links How many may be followed in all: were it counted for each branch, few links could lead on without end.
   */
  #follow(
    from: readonly Inode[],
    path: ByteString,
    links = { left: MAX_SYMLINKS },
  ): readonly Inode[] | undefined {
    let stack: readonly Inode[] = path.startsWith("/") ? [this.root] : from;
    for (const part of path.split("/")) {
      if (part === "" || part === ".") continue;
      if (part === "..") {
        if (stack.length > 1) stack = stack.slice(0, -1);
        continue;
      }
      const next = stack.at(-1)!.children!.get(part);
      if (next === undefined) return undefined;
      if (next.children !== null) stack = [...stack, next];
      else if ((next.mode & S_IFMT) === S_IFLNK && links.left-- > 0) {
        const led = this.#follow(stack, next.target, links);
        if (led === undefined) return undefined;
        stack = led;
      } else return undefined;
    }
    return stack;
  }

  /** The path of an entry, from the directories that lead to it. */
  #pathOf(stack: readonly Inode[], name: ByteString): ByteString {
    const parts: ByteString[] = [];
    for (let depth = 1; depth < stack.length; depth++) {
      for (const [entry, inode] of stack[depth - 1].children!) {
        if (inode === stack[depth]) parts.push(entry);
      }
    }
    return [...parts, name].join("/");
  }
}

/** Whether a layer's directory hides what lower layers have in it. */
export function isOpaque(directory: Inode): boolean {
  return directory.xattrs?.has(OPAQUE) ?? false;
}

/** Whether there is a whiteout in a layer's directory or below. */
function holdsWhiteout(directory: Inode): boolean {
  for (const inode of directory.children!.values()) {
    if (inode.children === null ? isWhiteout(inode) : holdsWhiteout(inode)) return true;
  }
  return false;
}

/** Whether a layer has no entry for a directory, only entries below it. */
export function isImplied(directory: Inode): boolean {
  return directory.xattrs?.has(IMPLIED) ?? false;
}

/** Gives a directory another one's metadata, without the marks. */
export function copyMetadata(from: Inode, to: Inode): void {
  to.mode = from.mode;
  to.uid = from.uid;
  to.gid = from.gid;
  to.mtime = from.mtime;
  to.nsec = from.nsec;
  to.xattrs = from.xattrs;
  if (from.xattrs === null) return;
  const plain = [...from.xattrs].filter(([key]) => !isMark(key));
  if (plain.length < from.xattrs.size) to.xattrs = plain.length > 0 ? new Map(plain) : null;
}

/** Whether a layer's directory has the same metadata as the tree's, marks aside. */
export function sameMetadata(layers: Inode, trees: Inode): boolean {
  const plain = new Inode(layers.mode);
  copyMetadata(layers, plain);
  return metadataEqual(plain, trees);
}
