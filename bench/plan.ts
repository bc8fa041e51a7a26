/**
 * A tree as the flat list of records that the C floor runs through: see floor/compose_floor.c.
 *
 * @module
 */

import { AT_FDCWD, getxattrat, toCString } from "../src/linux/mod.ts";
import { Store } from "../src/store/mod.ts";
import { type Inode, S_IFLNK, S_IFMT, S_IFREG } from "../src/tree/mod.ts";
import { METACOPY } from "../src/tree/erofs_format.ts";

/** Bytes, appended. */
class Writer {
  #bytes = new Uint8Array(1 << 20);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #room(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  op(letter: string): void {
    const at = this.#room(1);
    this.#bytes[at] = letter.charCodeAt(0);
  }
  u32(value: number): void {
    const at = this.#room(4);
    this.#view.setUint32(at, value, true);
  }
  i64(value: number): void {
    const at = this.#room(8);
    this.#view.setBigInt64(at, BigInt(value), true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }
  string(text: string): void {
    this.raw(toCString(text));
  }
  meta(inode: Inode): void {
    this.u32(inode.mode);
    this.u32(inode.uid);
    this.u32(inode.gid);
    this.i64(inode.mtime);
    this.u32(inode.nsec);
  }
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Writes the plan of an image in a store. */
export function writePlan(root: string, image: string, file: string): void {
  const store = Store.open(root);
  const record = store.images.find(image);
  const layers = record.layers.map(({ diffId }) => store.layers.directory(diffId));
  Deno.writeFileSync(`${file}.draft`, planOf(store.trees.merge(record).root, layers));
  Deno.renameSync(`${file}.draft`, file);
}

const NO_SOURCE = 0xffffffff;

/** Whether a layer's file stands there without its content, which is another inode's: see src/layer/metacopy.ts. */
function isEmpty(file: string): boolean {
  return getxattrat(AT_FDCWD, file, METACOPY, new Uint8Array(0)) >= 0;
}

/**
 * The plan of a merged tree. Devices and further names of hard links, of which an ordinary image has next to none, are left out.
 *
 * @param root With origins.
 * @param layers The layers' directories, lowest first.
 */
function planOf(root: Inode, layers: readonly string[]): Uint8Array {
  const out = new Writer();
  const seen = new Set<Inode>();
  const visit = (directory: Inode, name: string, path: string) => {
    const entries = [...directory.children!];
    const files = entries.filter(([, inode]) => {
      const type = inode.mode & S_IFMT;
      if (type !== S_IFREG && type !== S_IFLNK || seen.has(inode)) return false;
      seen.add(inode);
      return inode.origin!.path === null;
    });
    const sources = [...new Set(files.map(([, inode]) => inode.origin!.layer))];
    const sourceOf = (name: string, { origin }: Inode) =>
      isEmpty(`${layers[origin!.layer]}/${path}${name}`)
        ? NO_SOURCE
        : sources.indexOf(origin!.layer);
    out.op("d");
    out.string(name);
    out.meta(directory);
    out.u32(sources.length);
    for (const layer of sources) out.string(`${layers[layer]}/${path}`);
    for (const [entry, inode] of files) {
      const link = (inode.mode & S_IFMT) === S_IFLNK;
      out.op(link ? "s" : "f");
      out.string(entry);
      out.meta(inode);
      out.u32(sourceOf(entry, inode));
      if (link) {
        out.string(inode.target);
        continue;
      }
      out.i64(inode.size);
      out.string(inode.payload);
      if (inode.content !== null) out.raw(inode.content);
    }
    for (const [entry, inode] of entries) {
      if (inode.children !== null) visit(inode, entry, `${path}${entry}/`);
    }
    out.op("u");
  };
  visit(root, "", "");
  return out.bytes;
}
