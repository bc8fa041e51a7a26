/**
 * Writes a tree in its text form, composefs-dump(5): line for line what composefs-info prints for the tree's image.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { directorySize } from "./erofs_directory.ts";
import { rootNames, sortedNames } from "./erofs_numbering.ts";
import { ESCAPED } from "./escape.ts";
import { type ByteString, Inode, S_IFBLK, S_IFCHR, S_IFLNK, S_IFMT } from "./inode.ts";
import { toHex } from "./digest.ts";

const EQUALS = 0x3d;

class DumpWriter {
  #out = new Uint8Array(1 << 16);
  #used = 0;
  readonly #root: Inode;
  /** The canonical paths of the inodes met so far, with leading `/`. */
  readonly #paths = new Map<Inode, ByteString>();

  constructor(root: Inode) {
    this.#root = root;
  }

  write(): Uint8Array {
    const stack: { path: ByteString; inode: Inode }[] = [{ path: "", inode: this.#root }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { path, inode } = top;
      if (inode.children === null) {
        this.#leaf(path, inode);
        continue;
      }
      if (this.#paths.has(inode)) {
        throw new LaminaError("invalid", `the directory ${path} is also ${this.#paths.get(inode)}`);
      }
      this.#paths.set(inode, path);
      const names = sortedNames(inode.children);
      this.#directory(path, inode, names);
      for (let i = names.length - 1; i >= 0; i--) {
        stack.push({ path: `${path}/${names[i]}`, inode: inode.children.get(names[i])! });
      }
    }
    return this.#out.slice(0, this.#used);
  }

  #directory(path: ByteString, inode: Inode, names: ByteString[]): void {
    let links = 2;
    for (const child of inode.children!.values()) if (child.children !== null) links++;
    const all = inode === this.#root ? rootNames(inode.children!) : names;
    this.#line(path === "" ? "/" : path, inode, directorySize(all, 0, all.length), links, null);
  }

  #leaf(path: ByteString, inode: Inode): void {
    let canonical = this.#paths.get(inode);
    if (canonical === undefined) {
      canonical = this.#chosen(inode) ?? path;
      this.#paths.set(inode, canonical);
    }
    const size = (inode.mode & S_IFMT) === S_IFLNK ? inode.target.length : inode.size;
    this.#line(path, inode, size, inode.nlink, path === canonical ? null : canonical);
  }

  /** The path that the inode itself names as its canonical one, if it is one. */
  #chosen(inode: Inode): ByteString | null {
    if (inode.canonical === "") return null;
    let at: Inode | undefined = this.#root;
    for (const name of inode.canonical.split("/")) at = at?.children?.get(name);
    return at === inode ? `/${inode.canonical}` : null;
  }

  #line(
    path: ByteString,
    inode: Inode,
    size: number,
    nlink: number,
    link: ByteString | null,
  ): void {
    const type = inode.mode & S_IFMT;
    const rdev = type === S_IFCHR || type === S_IFBLK ? inode.rdev : 0;
    const mode = `${link === null ? "" : "@"}${inode.mode.toString(8)}`;
    this.#escaped(path, false);
    this.#plain(` ${size} ${mode} ${nlink} ${inode.uid} ${inode.gid} ${rdev} `);
    this.#plain(`${inode.mtime}.${inode.nsec} `);
    this.#optional(link ?? (type === S_IFLNK ? inode.target : inode.payload));
    this.#plain(" ");
    if (inode.content === null) this.#plain("-");
    else this.#optional(inode.content);
    this.#plain(inode.digest === null ? " -" : ` ${toHex(inode.digest)}`);
    if (inode.xattrs !== null) this.#xattrs(inode.xattrs);
    this.#plain("\n");
  }

  #xattrs(xattrs: Map<ByteString, Uint8Array>): void {
    for (const key of [...xattrs.keys()].sort()) {
      this.#plain(" ");
      this.#escaped(key, true);
      this.#plain("=");
      this.#escaped(xattrs.get(key)!, true);
    }
  }

  /** A field that is `-` where there is nothing. */
  #optional(field: ByteString | Uint8Array): void {
    const dash = field.length === 1 && (field === "-" || field[0] === 0x2d);
    if (field.length === 0) this.#plain("-");
    else if (dash) this.#plain("\\x2d");
    else this.#escaped(field, false);
  }

  #escaped(field: ByteString | Uint8Array, equals: boolean): void {
    this.#reserve(field.length * 4);
    const text = typeof field === "string";
    for (let i = 0; i < field.length; i++) {
      const byte = text ? field.charCodeAt(i) : field[i];
      const escape = ESCAPED[byte];
      if (escape !== null) this.#plain(escape);
      else if (equals && byte === EQUALS) this.#plain("\\x3d");
      else this.#out[this.#used++] = byte;
    }
  }

  /** Text that is ASCII and needs no escapes. */
  #plain(text: string): void {
    this.#reserve(text.length);
    for (let i = 0; i < text.length; i++) this.#out[this.#used++] = text.charCodeAt(i);
  }

  #reserve(bytes: number): void {
    if (this.#used + bytes <= this.#out.length) return;
    const larger = new Uint8Array(Math.max(this.#out.length * 2, this.#used + bytes));
    larger.set(this.#out);
    this.#out = larger;
  }
}

/**
 * The dump of a tree: one line for each entry, depth-first with names in byte order, xattrs in byte order of their names.
 *
 * @throws LaminaError (invalid) if a directory is in the tree twice.
 */
export function formatDump(root: Inode): Uint8Array {
  return new DumpWriter(root).write();
}
