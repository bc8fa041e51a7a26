/**
 * What merging means, by paths alone: slow, and told as the image specification and src/tree/README.md tell it.
 *
 * @module
 */

import { type Inode, isWhiteout, S_IFLNK, S_IFMT } from "../../../src/tree/inode.ts";
import { HARDLINK, IMPLIED, OPAQUE } from "../../../src/tree/marks.ts";
import { textOf } from "../target.ts";

/** Something at a path: a directory, or a file or link by what tells it from all others. */
export type Node = { directory: string } | { leaf: string; target: string | undefined };

/** That a layer cannot be merged. */
export class NotMerged extends Error {}

/** The merged tree, by paths; the root's is empty. */
export class Model {
  readonly nodes = new Map<string, Node>([["", { directory: "755" }]]);
  /** Whether a directory was replaced while entries were brought into it. Then paths alone do not tell what happens. */
  unclear = false;
  #layer = 0;
  #links = new Map<Inode, Node>();

  add(layer: Inode): void {
    this.#layer++;
    this.#links = new Map();
    this.#resolveLinks(layer);
    this.#hide(layer, "");
    if (!has(layer, IMPLIED)) this.nodes.set("", { directory: permissions(layer) });
    this.#bring(layer, "");
  }

  /** Every path with what is there. */
  shown(): Record<string, string> {
    const lines = [...this.nodes].map(([path, node]) => [
      path,
      "directory" in node ? `directory ${node.directory}` : node.leaf,
    ]);
    return Object.fromEntries(lines.sort(([a], [b]) => a < b ? -1 : 1));
  }

  #resolveLinks(directory: Inode): void {
    for (const inode of directory.children!.values()) {
      if (inode.children !== null) this.#resolveLinks(inode);
      else if (has(inode, HARDLINK)) {
        const parts = textOf(inode.xattrs!.get(HARDLINK)!).split("/");
        const name = parts.pop()!;
        const parent = this.#follow("", parts.join("/"));
        const node = parent === undefined ? undefined : this.nodes.get(join(parent, name));
        if (node === undefined || "directory" in node) throw new NotMerged();
        this.#links.set(inode, node);
      }
    }
  }

  #hide(layer: Inode, at: string): void {
    if (has(layer, OPAQUE)) return this.#removeBelow(at);
    for (const [name, inode] of layer.children!) {
      const path = join(at, name);
      if (isWhiteout(inode)) {
        this.#removeBelow(path);
        this.nodes.delete(path);
      } else if (inode.children !== null) {
        const meant = this.#meant(inode, at, name);
        if (meant !== undefined) this.#hide(inode, meant);
      }
    }
  }

  #bring(layer: Inode, at: string): void {
    const here = this.nodes.get(at);
    for (const [name, inode] of layer.children!) {
      const path = join(at, name);
      if (this.nodes.get(at) !== here) this.unclear = true;
      if (isWhiteout(inode)) continue;
      if (inode.children === null) {
        this.#removeBelow(path);
        this.nodes.set(path, this.#links.get(inode) ?? this.#leaf(inode));
        continue;
      }
      const meant = this.#meant(inode, at, name);
      if (meant === undefined) this.nodes.set(path, { directory: permissions(inode) });
      else if (meant === path && !has(inode, IMPLIED)) {
        (this.nodes.get(path) as { directory: string }).directory = permissions(inode);
      }
      this.#bring(inode, meant ?? path);
    }
  }

  #leaf(inode: Inode): Node {
    if ((inode.mode & S_IFMT) === S_IFLNK) {
      return { leaf: `-> ${inode.target}`, target: inode.target };
    }
    return { leaf: `file ${textOf(inode.content!)} of ${this.#layer}`, target: undefined };
  }

  /** The directory of the tree that a layer's directory is laid over. */
  #meant(inode: Inode, at: string, name: string): string | undefined {
    const path = join(at, name);
    const there = this.nodes.get(path);
    if (there === undefined) return undefined;
    if ("directory" in there) return path;
    if (!has(inode, IMPLIED) || there.target === undefined) return undefined;
    return this.#follow(at, there.target);
  }

  /** Where a path leads, as chroot(2) and path_resolution(7) have it; undefined where that is no directory. */
  #follow(from: string, target: string): string | undefined {
    let at = target.startsWith("/") ? "" : from;
    let rest = target.split("/");
    for (let links = 0; rest.length > 0;) {
      const part = rest.shift()!;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
        continue;
      }
      const next = this.nodes.get(join(at, part));
      if (next === undefined) return undefined;
      if ("directory" in next) at = join(at, part);
      else if (next.target === undefined || ++links >= 40) return undefined;
      else {
        if (next.target.startsWith("/")) at = "";
        rest = [...next.target.split("/"), ...rest];
      }
    }
    return at;
  }

  #removeBelow(path: string): void {
    for (const other of [...this.nodes.keys()]) {
      if (other !== path && (path === "" || other.startsWith(`${path}/`))) this.nodes.delete(other);
    }
  }
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function has(inode: Inode, key: string): boolean {
  return inode.xattrs?.has(key) ?? false;
}

function permissions(directory: Inode): string {
  return (directory.mode & 0o7777).toString(8);
}
