/**
 * A layer's own links to the objects that it shares: they count its use of them, and overlayfs finds content by them.
 *
 * `links/` holds one hard link for each object whose inode is none of the layer's own files. So the link count of an object is 1 exactly
 * when no layer needs it, and a layer is removed without a look at the others.
 *
 * @module
 */

import { check, EMLINK, Fd, linkat, mkdirat, O_DIRECTORY, O_RDONLY } from "../linux/mod.ts";
import { toBytes } from "../tree/latin1.ts";
import type { ByteString } from "../tree/inode.ts";

/**
 * Random characters that a layer's link names begin with. overlayfs looks for a redirected content in the layers below first: a layer whose maker could
 * guess a name would put its own file in the place of another layer's content.
 */
const RANDOM = 12;

/** The directory of links of one layer, made when it is first needed. */
export class Links implements Disposable {
  readonly #objects: number;
  readonly #staging: string;
  readonly #names = new Map<ByteString, string>();
  #fd: Fd | undefined;
  #prefix = "";

  /**
   * @param staging Where `links/` is made.
   * @param objects Descriptor of the store's directory of objects.
   */
  constructor(staging: string, objects: number) {
    this.#staging = staging;
    this.#objects = objects;
  }

  /** How many there are. */
  get size(): number {
    return this.#names.size;
  }

  /**
   * Links an object, once.
   *
   * @param payload The object's path below the objects, NUL-terminated.
   * @returns The link's name; undefined where the object has all the links that its filesystem allows.
   * @throws {SysError}
   */
  add(key: ByteString, payload: Uint8Array): string | undefined {
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    this.#fd ??= this.#make();
    const name = this.#prefix + this.#names.size.toString(36);
    const r = linkat(this.#objects, payload, this.#fd.n, toBytes(`${name}\0`));
    if (r === -EMLINK) return undefined;
    check(r, "link", `the object ${key}`);
    this.#names.set(key, name);
    return name;
  }

  #make(): Fd {
    using staging = Fd.open(this.#staging, O_RDONLY | O_DIRECTORY);
    check(mkdirat(staging.n, "links", 0o700), "mkdir", `${this.#staging}/links`);
    const random = crypto.getRandomValues(new Uint8Array(RANDOM * 3 / 4));
    this.#prefix = btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_");
    return Fd.openat(staging.n, "links", O_RDONLY | O_DIRECTORY);
  }

  [Symbol.dispose](): void {
    this.#fd?.[Symbol.dispose]();
  }
}
