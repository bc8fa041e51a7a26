/**
 * Puts entries of a layer right, one by one, as its index has them. Each is made aside and renamed to its place, so that a crash leaves it as it
 * was or as it should be.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  copyAll,
  EEXIST,
  fchmod,
  fchown,
  Fd,
  ficlone,
  fremovexattr,
  fsync,
  getxattrat,
  linkat,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_RDONLY,
  O_WRONLY,
  readXattrs,
  renameat2,
  Stat,
  statx,
  toCString,
  unlinkat,
  writeAll,
} from "../../../linux/mod.ts";
import type { DiskForm } from "../../../layer/form.ts";
import { NativeForm } from "../../../layer/native_form.ts";
import { RootlessForm } from "../../../layer/rootless_form.ts";
import { byteString } from "../../../tree/latin1.ts";
import {
  type ByteString,
  HARDLINK,
  type Inode,
  isWhiteout,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../../../tree/mod.ts";
import type { Staging } from "../../staging.ts";
import type { Store } from "../../store.ts";
import { METACOPY, NATIVE, REDIRECT, ROOTLESS_FORM } from "../expected.ts";
import type { Problem } from "../finding.ts";
import type { Contents } from "./contents.ts";
import { LayerObjects } from "./objects.ts";
import { LayerPlaces, parentOf } from "./places.ts";
import type { Quarantine } from "./quarantine.ts";

/** Restores entries of one layer. Hold the store alone. */
export class LayerRestorer implements Disposable {
  readonly #store: Store;
  readonly #diffId: string;
  readonly #places: LayerPlaces;
  readonly #contents: Contents;
  readonly #quarantine: Quarantine;
  readonly #form: DiskForm;
  readonly #stack = new DisposableStack();
  readonly #staging: Staging;
  readonly #aside: Fd;
  readonly #objects: LayerObjects;
  readonly #stat = new Stat();

  /** @param root The layer's tree: as its index has it, which is proven to be the right one. */
  constructor(
    store: Store,
    diffId: string,
    root: Inode,
    contents: Contents,
    quarantine: Quarantine,
  ) {
    this.#store = store;
    this.#diffId = diffId;
    this.#places = new LayerPlaces(store.layers.directory(diffId), root);
    this.#contents = contents;
    this.#quarantine = quarantine;
    const umask = Deno.umask();
    this.#form = store.native
      ? new NativeForm(umask, Deno.uid() ?? 0, Deno.gid() ?? 0)
      : new RootlessForm(umask);
    const open = (path: string) => this.#stack.use(Fd.open(path, O_RDONLY | O_DIRECTORY));
    this.#staging = this.#stack.use(store.staging());
    this.#aside = open(this.#staging.path);
    this.#objects = this.#stack.use(new LayerObjects(store, diffId, contents, this.#staging.path));
  }

  /**
   * Solves one problem of the layer.
   *
   * @returns Whether it could; false where a content is nowhere to be had.
   * @throws {SysError}
   */
  solve({ kind, path, payload, message }: Problem): boolean {
    if (kind === "layer-links") return this.#objects.count(payload!);
    if (kind === "layer-object") {
      return path !== undefined && this.#linkObject(path, payload!) ||
        this.#objects.restore(payload!);
    }
    if (path === undefined) return false;
    if (kind === "entry-extra") return this.#takeOut(path, message);
    const inode = this.#places.inode(path);
    if (inode === undefined) return false;
    if (kind === "entry-content" && this.#isMetacopy(path)) {
      return this.#objects.restore(inode.payload) && this.#relink(path, inode.payload);
    }
    if (kind === "entry-type") this.#takeOut(path, message);
    const inPlace = kind === "entry-metadata" && this.#setMetadata(path, inode);
    const done = inPlace || this.#make(path, inode);
    if (path !== "") this.#settleParent(path);
    return done;
  }

  /** Makes all that was done durable. */
  sync(): void {
    this.#store.sync();
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }

  #takeOut(path: ByteString, why: string): boolean {
    const taken = this.#places.in(path, (dir, name) => {
      this.#quarantine.move(dir, name, `layer ${this.#diffId}: /${path}`, why);
      return true;
    });
    this.#settleParent(path);
    return taken;
  }

  #isMetacopy(path: ByteString): boolean {
    return this.#store.native &&
      this.#places.in(
        path,
        (dir, name) => getxattrat(dir, name, METACOPY, new Uint8Array(64)) >= 0,
      );
  }

  /** Sets what of an entry that is there can be set; false for what is better made anew. */
  #setMetadata(path: ByteString, inode: Inode): boolean {
    const type = inode.mode & S_IFMT;
    if (type !== S_IFDIR && type !== S_IFREG || isWhiteout(inode)) return false;
    const set = (dir: number, name: Uint8Array) => {
      const flags = O_RDONLY | O_NOFOLLOW | (type === S_IFDIR ? O_DIRECTORY : 0);
      using fd = Fd.openat(dir, name, flags);
      check(statx(dir, name, AT_SYMLINK_NOFOLLOW, this.#stat), "statx", "the entry");
      // A hard link that is none any more, or a file of another size, is not a matter of metadata.
      if (type === S_IFREG && (this.#stat.size !== inode.size || !this.#places.isOne(inode))) {
        return false;
      }
      this.#apply(fd.n, inode);
      return true;
    };
    if (path !== "") return this.#places.in(path, set);
    using layer = Fd.open(this.#store.layout.layer(this.#diffId), O_RDONLY | O_DIRECTORY);
    return set(layer.n, toCString("fs"));
  }

  /** Gives an open file or directory the metadata that it should have. `#stat` is its own. */
  #apply(fd: number, inode: Inode): void {
    const form = this.#store.native ? NATIVE : ROOTLESS_FORM;
    const expected = form.xattrs(inode, this.#stat);
    for (const key of readXattrs(fd)?.keys() ?? []) {
      const kept = expected.has(key) || form.ignores(key) || key === METACOPY || key === REDIRECT;
      if (!kept) check(fremovexattr(fd, toCString(key)), "removexattr", key);
    }
    if (this.#store.native) check(fchown(fd, inode.uid, inode.gid), "chown", "the entry");
    const isDirectory = (inode.mode & S_IFMT) === S_IFDIR;
    const mode = this.#store.native ? inode.mode & 0o7777 : this.#form.permissions(inode);
    if (isDirectory) this.#form.directory(fd, inode);
    else {
      check(fchmod(fd, mode), "chmod", "the entry");
      this.#form.file(fd, inode);
    }
  }

  /** Sets the metadata of the directory of a path, whose time changed with what was done in it. */
  #settleParent(path: ByteString): void {
    const above = parentOf(path);
    const inode = this.#places.inode(above);
    if (inode?.children) this.#setMetadata(above, inode);
  }

  /** Makes an entry anew, under all its names. */
  #make(path: ByteString, inode: Inode): boolean {
    if (inode.xattrs?.has(HARDLINK)) return true;
    if (inode.children !== null) return this.#makeDirectory(path, inode);
    if (!this.#makeAside(inode, this.#places.inode(parentOf(path))!)) return false;
    const [first, ...others] = this.#places.names(inode, path);
    const made = this.#places.in(first, (dir, name) => {
      check(renameat2(this.#aside.n, "entry", dir, name, 0), "rename", "the entry");
      for (const other of others) {
        check(linkat(dir, name, this.#aside.n, toCString("link")), "link", "the entry");
        this.#places.in(other, (at, as) => {
          check(renameat2(this.#aside.n, "link", at, as, 0), "rename", "the entry");
          return true;
        });
        unlinkat(this.#aside.n, "link");
      }
      if (inode.digest !== null && !this.#contents.isWhole(inode.payload)) {
        this.#objects.put(dir, name, inode.payload);
      }
      return true;
    });
    for (const one of [first, ...others]) this.#settleParent(one);
    return made;
  }

  #makeDirectory(path: ByteString, inode: Inode): boolean {
    const layer = Fd.open(this.#store.layout.layer(this.#diffId), O_RDONLY | O_DIRECTORY);
    using _layer = layer;
    const make = (dir: number, name: Uint8Array) => {
      const r = mkdirat(dir, name, 0o700);
      if (r !== -EEXIST) check(r, "mkdir", "the directory");
      return true;
    };
    const made = path === "" ? make(layer.n, toCString("fs")) : this.#places.in(path, make);
    let all = made;
    for (const [name, child] of inode.children!) {
      if (made) all = this.#make(path === "" ? name : `${path}/${name}`, child) && all;
    }
    return made && this.#setMetadata(path, inode) && all;
  }

  /** Makes what is no directory, as `entry` in the staging directory. */
  #makeAside(inode: Inode, parent: Inode): boolean {
    const name = toCString("entry");
    unlinkat(this.#aside.n, name);
    const type = inode.mode & S_IFMT;
    if (isWhiteout(inode)) this.#form.whiteout(this.#aside.n, name, parent);
    else if (type === S_IFLNK) {
      this.#form.symlink(this.#aside.n, name, inode, toCString(inode.target));
    } else if (type !== S_IFREG) this.#form.special(this.#aside.n, name, inode);
    else return this.#makeFile(name, inode);
    return true;
  }

  #makeFile(name: Uint8Array, inode: Inode): boolean {
    using content = inode.digest === null ? undefined : this.#contents.open(inode.payload);
    if (inode.digest !== null && content === undefined) return false;
    const mode = this.#form.permissions(inode);
    using fd = Fd.openat(this.#aside.n, name, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (content !== undefined) {
      const cloned = ficlone(fd.n, content.n) === 0;
      if (!cloned && !this.#objects.stand(fd.n, inode)) copyAll(fd.n, content.n, inode.size);
    } else if (inode.content !== null) check(writeAll(fd.n, inode.content), "write", "the file");
    this.#form.file(fd.n, inode);
    check(fsync(fd.n), "fsync", "the file");
    return true;
  }

  /** Lets a file of the layer, or its link to the content, be the object that is missing, if that is whole. */
  #linkObject(path: ByteString, payload: string): boolean {
    if (!this.#isMetacopy(path)) {
      return this.#places.in(path, (dir, name) => this.#objects.putIfWhole(dir, name, payload));
    }
    const name = this.#linkName(path);
    return name !== undefined && this.#objects.putLink(name, payload);
  }

  /** Lets overlayfs find a content again where the file says that it is. */
  #relink(path: ByteString, payload: string): boolean {
    const name = this.#linkName(path);
    if (name === undefined) return this.#make(path, this.#places.inode(path)!);
    return this.#objects.link(payload, name);
  }

  /** The name in `links/` under which a file without its content has it. */
  #linkName(path: ByteString): ByteString | undefined {
    const target = new Uint8Array(256);
    let name = "";
    this.#places.in(path, (dir, file) => {
      const length = getxattrat(dir, file, REDIRECT, target);
      if (length > 1) name = byteString(target, 1, length);
      return true;
    });
    return name === "" || name.includes("/") ? undefined : name;
  }
}
