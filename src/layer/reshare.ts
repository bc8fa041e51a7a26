/**
 * Sharing what a stored layer has for itself ({@link ownContents}), after the fact.
 *
 * Where the filesystem has shared extents it is done in place, file by file: the kernel compares and shares, and nobody notices. Elsewhere a
 * second directory is made for the layer, of the same inodes but for the files that give up their content ({@link makeMetacopy}), to take
 * the place of the first at once.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  check,
  dedupeFile,
  DT_DIR,
  Fd,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  pread,
  readDirectory,
  toCString,
} from "../linux/mod.ts";
import { byteString } from "../tree/latin1.ts";
import type { ByteString, Inode } from "../tree/inode.ts";
import { LaminaError } from "../error.ts";
import { must } from "./cname.ts";
import { display } from "./directories.ts";
import { isWorthMarks, makeMetacopy } from "./metacopy.ts";
import { NativeForm } from "./native_form.ts";
import type { OwnContent } from "./own_contents.ts";

/** What came of it. */
export interface Reshared {
  /** Files that share their content now. */
  readonly files: readonly OwnContent[];
  /** Files whose content is not what it is said to be, or whose object's is not. They stay as they are. */
  readonly different: readonly OwnContent[];
}

/**
 * Lets a file share its object's extents.
 *
 * @param layer Path of the layer.
 * @param objects Descriptor of the directory of objects.
 * @returns Whether it does; its content may be another.
 * @throws {SysError}
 */
export function shareExtents(
  layer: string,
  { path, inode }: OwnContent,
  objects: number,
): boolean {
  using file = openFile(`${layer}/fs`, path);
  using object = Fd.openat(objects, toCString(inode.payload), O_RDONLY | O_NOFOLLOW);
  return check(dedupeFile(file.n, object.n, inode.size), "FIDEDUPERANGE", display(path)) === 1;
}

/** Whether a file can give up its content: with a name elsewhere it would stay, and some files take more without it. */
export function canGiveUp({ inode, names, nlink }: OwnContent): boolean {
  return names === nlink && isWorthMarks(inode);
}

/**
 * Makes a layer again in which files have their content in `links/`. For stores that have files as they are.
 *
 * @param layer Path of the layer.
 * @param staging An empty directory on the same filesystem; stays empty where there is nothing to share.
 * @param root The layer's tree.
 * @param own Files that {@link canGiveUp} their content.
 * @throws {SysError}
 * @throws {LaminaError} `invalid` where the layer is not what its index says.
 */
export function remakeLayer(
  layer: string,
  staging: string,
  root: Inode,
  own: readonly OwnContent[],
): Reshared {
  const contents = linkNames(`${layer}/links`);
  const different: OwnContent[] = [];
  const files = own.filter((one) => {
    const content = contents.get(one.object);
    if (content === undefined) return false;
    using a = openFile(`${layer}/fs`, one.path);
    using b = Fd.open(`${layer}/links/${content}`, O_RDONLY | O_NOFOLLOW);
    if (sameContent(a.n, b.n, one.inode.size)) return true;
    different.push(one);
    return false;
  });
  if (files.length === 0) return { files, different };
  using from = Fd.open(layer, O_RDONLY | O_DIRECTORY);
  using to = Fd.open(staging, O_RDONLY | O_DIRECTORY);
  for (const { name, type } of readDirectory(from.n)) {
    if (type !== DT_DIR) must(linkat(from.n, name, to.n, name), "link", name);
  }
  copyLinks(from.n, to.n);
  new Copy(new Map(files.map(({ ino, object }) => [ino, contents.get(object)!])))
    .run(from.n, to.n, root);
  return { files, different };
}

/** The names in `links/`, by inode. */
function linkNames(links: string): Map<number, string> {
  try {
    using directory = Fd.open(links, O_RDONLY | O_DIRECTORY);
    return new Map(
      readDirectory(directory.n).map((
        { name, ino },
      ) => [ino, byteString(name, 0, name.length - 1)]),
    );
  } catch {
    return new Map();
  }
}

function copyLinks(from: number, to: number): void {
  check(mkdirat(to, "links", 0o700), "mkdir", "links");
  using old = Fd.openat(from, "links", O_RDONLY | O_DIRECTORY);
  using made = Fd.openat(to, "links", O_RDONLY | O_DIRECTORY);
  for (const { name } of readDirectory(old.n)) {
    must(linkat(old.n, name, made.n, name), "link", name);
  }
}

/** Makes directories again, with the inodes that are in them. */
class Copy {
  readonly #contents: ReadonlyMap<number, string>;
  readonly #made = new Map<number, ByteString>();
  readonly #form = new NativeForm(Deno.umask(), Deno.uid()!, Deno.gid()!);
  #top = -1;

  /** @param contents Names in `links/`, by the inodes of files that give up their content. */
  constructor(contents: ReadonlyMap<number, string>) {
    this.#contents = contents;
  }

  run(from: number, to: number, root: Inode): void {
    check(mkdirat(to, "fs", 0o700), "mkdir", "fs");
    using old = Fd.openat(from, "fs", O_RDONLY | O_DIRECTORY);
    using made = Fd.openat(to, "fs", O_RDONLY | O_DIRECTORY);
    this.#top = made.n;
    this.#directory(old.n, made.n, root, "");
  }

  #directory(from: number, to: number, directory: Inode, path: ByteString): void {
    for (const { name, type, ino } of readDirectory(from)) {
      const text = byteString(name, 0, name.length - 1);
      const inode = directory.children?.get(text);
      if (type === DT_DIR) {
        if (inode?.children == null) throw unknown(path + text);
        must(mkdirat(to, name, 0o700), "mkdir", name);
        using old = Fd.openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        using made = Fd.openat(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        this.#directory(old.n, made.n, inode, `${path}${text}/`);
      } else if (this.#contents.has(ino)) {
        if (inode === undefined) throw unknown(path + text);
        this.#file(to, name, inode, ino, path + text);
      } else {
        must(linkat(from, name, to, name), "link", name);
      }
    }
    this.#form.directory(to, directory);
  }

  #file(dir: number, name: Uint8Array, inode: Inode, ino: number, path: ByteString): void {
    const first = this.#made.get(ino);
    if (first !== undefined) {
      must(linkat(this.#top, toCString(first), dir, name), "link", name);
      return;
    }
    this.#made.set(ino, path);
    using file = Fd.openat(dir, name, O_WRONLY | O_CREAT | O_EXCL, this.#form.permissions(inode));
    makeMetacopy(file.n, this.#contents.get(ino)!, inode.size);
    this.#form.file(file.n, inode);
  }
}

function unknown(path: ByteString): LaminaError {
  return new LaminaError("invalid", `sharing: the index has nothing like ${display(path)}`, {
    hint: "The layer was changed on disk: lamina fsck",
  });
}

function openFile(root: string, path: ByteString): Fd {
  using top = Fd.open(root, O_RDONLY | O_DIRECTORY);
  return Fd.openat(top.n, toCString(path), O_RDONLY | O_NOFOLLOW);
}

const CHUNK = 1 << 20;
const left = new Uint8Array(CHUNK);
const right = new Uint8Array(CHUNK);

function sameContent(a: number, b: number, size: number): boolean {
  for (let at = 0; at < size;) {
    const n = check(pread(a, left, at), "read", "a file of the layer");
    const m = check(pread(b, right, at), "read", "an object");
    if (n !== m || n === 0 || Buffer.compare(left.subarray(0, n), right.subarray(0, m)) !== 0) {
      return false;
    }
    at += n;
  }
  return true;
}
