/**
 * Objects, and the links that a layer has to them, put right: see src/layer/links.ts for what they are.
 *
 * @module
 */

import { isWorthMarks, makeMetacopy, metacopyWorks } from "../../../layer/metacopy.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  copyAll,
  EEXIST,
  EMLINK,
  ENOENT,
  Fd,
  ficlone,
  fstat,
  fsync,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  openat,
  readDirectory,
  renameat2,
  Stat,
  statx,
  toCString,
  unlinkat,
} from "../../../linux/mod.ts";
import { byteString, toBytes } from "../../../tree/latin1.ts";
import type { Inode } from "../../../tree/mod.ts";
import { replaceFile } from "../../atomic.ts";
import type { Store } from "../../store.ts";
import { ContentReader } from "../content.ts";
import { ObjectTable, wrongContent } from "../objects.ts";
import type { Contents } from "./contents.ts";

const DIRECTORY = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

/** Random bytes of a new link's name: for no layer to guess, and so short that marks with it fit into an inode. */
const RANDOM = 16;

/** The objects as one layer has to do with them. Hold the store alone. */
export class LayerObjects implements Disposable {
  readonly #store: Store;
  readonly #diffId: string;
  readonly #contents: Contents;
  readonly #staging: string;
  readonly #stack = new DisposableStack();
  readonly #table: ObjectTable;
  readonly #objects: Fd;
  readonly #aside: Fd;
  readonly #stat = new Stat();
  #reader: ContentReader | undefined;
  #metacopyWorks: boolean | undefined;

  /** @param staging A directory to make things in. */
  constructor(store: Store, diffId: string, contents: Contents, staging: string) {
    this.#store = store;
    this.#diffId = diffId;
    this.#contents = contents;
    this.#staging = staging;
    this.#table = this.#stack.use(new ObjectTable(store.layout.objects));
    this.#objects = this.#stack.use(Fd.open(store.layout.objects, O_RDONLY | O_DIRECTORY));
    this.#aside = this.#stack.use(Fd.open(staging, O_RDONLY | O_DIRECTORY));
  }

  /** Lets a file be the object of its content, in the place of whatever is. */
  put(dir: number, name: Uint8Array, payload: string): void {
    const made = mkdirat(this.#objects.n, payload.slice(0, 2), 0o755);
    if (made !== -EEXIST) check(made, "mkdir", "the objects");
    unlinkat(this.#aside.n, "object");
    check(linkat(dir, name, this.#aside.n, toCString("object")), "link", payload);
    const r = renameat2(this.#aside.n, "object", this.#objects.n, payload, 0);
    check(r, "rename", payload);
    this.#contents.restored(payload);
  }

  /** {@link put} for a file whose content is that of the object. Returns whether it is, or the object is whole. */
  putIfWhole(dir: number, name: Uint8Array, payload: string): boolean {
    if (this.#contents.isWhole(payload)) return true;
    if (statx(dir, name, AT_SYMLINK_NOFOLLOW, this.#stat) < 0) return false;
    const digest = payload.replace("/", "");
    const reader = this.#reader ??= new ContentReader();
    if (wrongContent(dir, name, digest, this.#stat, reader) !== undefined) return false;
    this.put(dir, name, payload);
    return true;
  }

  /** {@link putIfWhole} for a name in the layer's `links/`. */
  putLink(name: string, payload: string): boolean {
    using links = this.#openLinks();
    return links !== undefined && this.putIfWhole(links.n, toCString(name), payload);
  }

  /** Makes an object that is damaged or missing, of any whole copy. Nothing to do where it is whole. */
  restore(payload: string): boolean {
    if (this.#contents.isWhole(payload)) return true;
    using content = this.#contents.open(payload);
    if (content === undefined) return false;
    unlinkat(this.#aside.n, "copy");
    using fd = Fd.openat(this.#aside.n, "copy", O_WRONLY | O_CREAT | O_EXCL, 0o600);
    check(fstat(content.n, this.#stat), "statx", payload);
    if (ficlone(fd.n, content.n) < 0) copyAll(fd.n, content.n, this.#stat.size);
    check(fsync(fd.n), "fsync", payload);
    this.put(this.#aside.n, toCString("copy"), payload);
    unlinkat(this.#aside.n, "copy");
    return true;
  }

  /** Adds a link of the layer to an object, which is made where it is not whole. Returns whether it could. */
  count(payload: string): boolean {
    return this.restore(payload) && this.link(payload, newName());
  }

  /**
   * Lets an empty file stand without its content, as an ingest does where the filesystem cannot clone: overlayfs finds it by a link to the
   * object.
   *
   * @returns Whether it does; false where the object is not whole, or there is no such way here.
   */
  stand(fd: number, inode: Inode): boolean {
    const { payload, size } = inode;
    if (!isWorthMarks(inode) || !this.#contents.isWhole(payload)) return false;
    this.#metacopyWorks ??= this.#store.native && metacopyWorks(`${this.#staging}/metacopy`);
    if (!this.#metacopyWorks) return false;
    const name = this.#nameOf(payload) ?? newName();
    if (!this.link(payload, name)) return false;
    this.#noteMetacopy();
    makeMetacopy(fd, name, size);
    return true;
  }

  /** Gives an object a name in the layer's `links/`. Returns whether it has it; false where there is no object, or it can have no more. */
  link(payload: string, name: string): boolean {
    using layer = Fd.open(this.#store.layout.layer(this.#diffId), O_RDONLY | O_DIRECTORY);
    const made = mkdirat(layer.n, "links", 0o700);
    if (made !== -EEXIST) check(made, "mkdir", "links");
    using links = Fd.openat(layer.n, "links", DIRECTORY);
    unlinkat(this.#aside.n, "link");
    const r = linkat(this.#objects.n, payload, this.#aside.n, toCString("link"));
    if (r === -ENOENT || r === -EMLINK) return false;
    check(r, "link", payload);
    // Renaming to another name of the same file does nothing, and says so to nobody: rename(2).
    const to = toBytes(`${name}\0`);
    check(renameat2(this.#aside.n, "link", links.n, to, 0), "rename", name);
    unlinkat(this.#aside.n, "link");
    return true;
  }

  /** The name that an object has in the layer's `links/`. */
  #nameOf(payload: string): string | undefined {
    using links = this.#openLinks();
    if (links === undefined) return undefined;
    const inodes = this.#table.inodes(payload);
    const found = readDirectory(links.n).find(({ ino }) => inodes.includes(ino));
    return found && byteString(found.name, 0, found.name.length - 1);
  }

  #openLinks(): Fd | undefined {
    const path = `${this.#store.layout.layer(this.#diffId)}/links`;
    const fd = openat(AT_FDCWD, path, DIRECTORY);
    return fd < 0 ? undefined : Fd.adopt(fd);
  }

  /** The record says that there are such files before there is one: else nobody would look for its content. */
  #noteMetacopy(): void {
    const { layers, layout } = this.#store;
    const record = layers.record(this.#diffId);
    if (record === undefined) return;
    const text = JSON.stringify({ ...record, metacopies: (record.metacopies ?? 0) + 1 });
    replaceFile(`${layout.layer(this.#diffId)}/layer.json`, `${text}\n`, layout.tmp);
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}

/** A name in `links/`. */
function newName(): string {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM));
  return btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}
