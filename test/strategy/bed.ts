/**
 * A store on a filesystem of its own, images in it, and what their trees should look like on disk.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { pull } from "../../src/oci/pull.ts";
import { type CompositionRecord, type ImageRecord, Store } from "../../src/store/mod.ts";
import { type LoadedPlugin, loadPlugins } from "../../src/strategy/loader.ts";
import {
  type Inode,
  major,
  minor,
  readErofs,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../../src/tree/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { makeTar, type TarPiece } from "../support/tar.ts";

const TYPES: Record<number, string> = {
  [S_IFREG]: "file",
  [S_IFDIR]: "directory",
  [S_IFLNK]: "symlink",
  [S_IFCHR]: "char",
  [S_IFBLK]: "block",
  [S_IFIFO]: "fifo",
};

/** A store and a place for targets, below one directory. */
export class Bed {
  readonly store: Store;
  readonly targets: string;
  readonly #path: string;
  #targets = 0;

  constructor(path: string) {
    this.#path = path;
    this.store = Store.open(`${path}/store`, { create: true });
    this.targets = `${path}/targets`;
    Deno.mkdirSync(this.targets);
  }

  /** A target that does not exist. */
  target(): string {
    return `${this.targets}/t${this.#targets++}`;
  }

  /** Brings an image of the given layers into the store, by the way that all images take. */
  async image(name: string, layers: readonly TarPiece[][]): Promise<ImageRecord> {
    const layout = `${this.#path}/layout-${this.#targets++}`;
    const tars = layers.map((pieces) => makeTar(pieces));
    await writeOciLayout(layout, [{ name, layers: tars, compression: "none" }]);
    const { image } = await pull(this.store, `oci:${layout}:${name}`, {
      // A path may be longer than what one system call takes.
      limits: { pathBytes: 65536 },
    });
    Deno.removeSync(layout, { recursive: true });
    return image;
  }

  /** What is on record, and what is being made. */
  leftovers(): { records: CompositionRecord[]; directories: string[] } {
    const { compositions, tmp } = this.store.layout;
    const directories = [compositions, tmp, this.targets].flatMap((path) =>
      Array.from(Deno.readDirSync(path), (entry) => `${path}/${entry.name}`)
    );
    return { records: this.store.compositions.list(), directories };
  }

  /** What an image's tree should look like, in the form that `snapshot` has. */
  expected(image: ImageRecord): Map<string, string> {
    const tree = readErofs(Deno.readFileSync(this.store.layout.tree(image.tree.digest)));
    return describeTree(tree, this.store.layout.objects);
  }
}

let plugins: LoadedPlugin[] | undefined;

/** The built-in plugins. */
export async function builtInPlugins(): Promise<readonly LoadedPlugin[]> {
  return plugins ??= [...(await loadPlugins()).loaded];
}

function describeTree(root: Inode, objects: string): Map<string, string> {
  const lines = new Map<string, string[]>();
  const groups = new Map<Inode, string[]>();
  const pending: [string, Inode][] = [[".", root]];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const [path, inode] = at;
    lines.set(path, describe(inode, objects));
    if (inode.children === null) {
      const group = groups.get(inode);
      if (group === undefined) groups.set(inode, [path]);
      else group.push(path);
    }
    for (const [name, child] of inode.children ?? []) {
      pending.push([path === "." ? name : `${path}/${name}`, child]);
    }
  }
  for (const group of groups.values()) {
    if (group.length < 2) continue;
    const first = group.reduce((a, b) => (a < b ? a : b));
    for (const path of group) lines.get(path)!.push(`link=${escape(first)}`);
  }
  return new Map([...lines].map(([path, line]) => [path, line.join(" ")]));
}

function describe(inode: Inode, objects: string): string[] {
  const type = TYPES[inode.mode & S_IFMT];
  const line = [type];
  if (type !== "symlink") line.push(`mode=${(inode.mode & 0o7777).toString(8)}`);
  line.push(`owner=${inode.uid}:${inode.gid}`);
  if (type === "char" || type === "block") {
    line.push(`rdev=${major(inode.rdev)}:${minor(inode.rdev)}`);
  }
  line.push(`mtime=${inode.mtime}.${String(inode.nsec).padStart(9, "0")}`);
  for (const [key, value] of [...inode.xattrs ?? []].sort(([a], [b]) => (a < b ? -1 : 1))) {
    line.push(`xattr:${escape(key)}=${escape(String.fromCharCode(...value))}`);
  }
  if (type === "symlink") line.push(`target=${escape(inode.target)}`);
  if (type === "file") {
    const content = inode.size === 0
      ? new Uint8Array()
      : inode.content ?? Deno.readFileSync(`${objects}/${inode.payload}`);
    line.push(`size=${inode.size}`, `sha256=${createHash("sha256").update(content).digest("hex")}`);
  }
  return line;
}

function escape(bytes: string): string {
  return bytes.replace(
    /[^\x21-\x5b\x5d-\x7e]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}
