/**
 * Images in the store: one directory for each manifest.
 *
 * @module
 */

import { dirname } from "@std/path";
import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  check,
  ENOENT,
  FileLock,
  removeTree,
  SysError,
  UTIME_NOW,
  utimensat,
} from "../linux/mod.ts";
import { listDirectory, readIfThere, renameNew, syncDirectory, writeDurably } from "./atomic.ts";
import { splitDigest } from "./digest.ts";
import type { Layout } from "./layout.ts";
import type { Names } from "./names.ts";
import type { Staging } from "./staging.ts";

/** A layer as an image refers to it. */
export interface ImageLayer {
  /** Digest of the uncompressed archive: what the layer is stored by. */
  readonly diffId: string;
  /** Digest, bytes and media type of the blob it was pulled as. */
  readonly digest: string;
  /** Bytes of the blob. */
  readonly size: number;
  /** Media type of the blob. */
  readonly mediaType: string;
}

/** What an image's merged tree is and holds. */
export interface TreeRecord {
  /** fs-verity SHA-256 digest of the tree's EROFS image: 64 hex digits. */
  readonly digest: string;
  /** Directories, the root among them. */
  readonly directories: number;
  /** Entries that are not directories; every name of a hard link counts. */
  readonly files: number;
  /** Bytes of content, each inode once: what a flattened copy would cost. */
  readonly bytes: number;
  /** Regular files of more than 4,096 bytes, each inode once; undefined in records of earlier versions. */
  readonly large?: number;
}

/** What is known of an image before its tree is made. */
export interface ImageDescription {
  /** Digest of its manifest. */
  readonly digest: string;
  /** The reference that it was pulled from. */
  readonly source: string;
  /** `linux/amd64`, `linux/arm64/v8` …; empty when the image does not say. */
  readonly platform: string;
  /** When it was pulled, RFC 3339. */
  readonly pulled: string;
  /** Lowest first. */
  readonly layers: readonly ImageLayer[];
}

/** An image as `image.json` has it. */
export interface ImageRecord extends ImageDescription {
  /** Its merged tree. */
  readonly tree: TreeRecord;
}

/** The images of a store. */
export class Images {
  readonly #layout: Layout;
  readonly #names: Names;

  /** The images of a store. */
  constructor(layout: Layout, names: Names) {
    this.#layout = layout;
    this.#names = names;
  }

  /** An image by the digest of its manifest. */
  get(digest: string): ImageRecord | undefined {
    const bytes = readIfThere(`${this.#layout.image(digest)}/image.json`);
    return bytes === undefined ? undefined : JSON.parse(new TextDecoder().decode(bytes));
  }

  /** The bytes of an image's manifest. An error of kind `not-found` where there is none. */
  manifest(digest: string): Uint8Array {
    return this.#document(digest, "manifest.json");
  }

  /** The bytes of an image's config. An error of kind `not-found` where there is none. */
  config(digest: string): Uint8Array {
    return this.#document(digest, "config.json");
  }

  /**
   * Notes that an image is used now. It costs one system call: the time is that of `image.json`, and is lost at most in a crash of the
   * machine. Hold the store's lock.
   *
   * @throws {LaminaError} `not-found` where the image is gone.
   */
  use(digest: string): void {
    const file = `${this.#layout.image(digest)}/image.json`;
    const result = utimensat(AT_FDCWD, file, 0, UTIME_NOW, AT_SYMLINK_NOFOLLOW);
    if (result !== -ENOENT) check(result, "utimensat", file);
    else throw new LaminaError("not-found", `using image ${digest}: it was just removed`);
  }

  /** When an image was last pulled or composed; undefined where there is none. */
  lastUsed(digest: string): Date | undefined {
    try {
      return Deno.lstatSync(`${this.#layout.image(digest)}/image.json`).mtime ?? undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Digests of all stored images. */
  digests(): string[] {
    return listDirectory(this.#layout.images).flatMap((algorithm) =>
      listDirectory(`${this.#layout.images}/${algorithm}`).map((hex) => `${algorithm}:${hex}`)
    );
  }

  /** All images, the latest pulled first. */
  list(): ImageRecord[] {
    return this.digests().map((digest) => this.get(digest)).filter((image) => image !== undefined)
      .sort((a, b) => (a.pulled < b.pulled ? 1 : a.pulled > b.pulled ? -1 : 0));
  }

  /**
   * The image that a person means: by name, by digest, or by the beginning of a digest's hex digits if just one image has it.
   *
   * @throws {LaminaError} `not-found` for none, `usage` for several.
   */
  find(reference: string): ImageRecord {
    const named = this.#names.get(reference);
    const image = named === undefined ? undefined : this.get(named);
    if (image !== undefined) return image;
    const prefix = reference.replace(/^sha(256|512):/, "");
    const found = /^[0-9a-f]{3,}$/.test(prefix)
      ? this.digests().filter((digest) => splitDigest(digest).hex.startsWith(prefix))
      : [];
    if (found.length > 1) {
      throw new LaminaError(
        "usage",
        `finding image ${reference}: ${found.length} images begin so`,
        {
          hint: `Give more digits: ${
            found.map((digest) => digest.slice(0, 7 + prefix.length + 6)).join(", ")
          }`,
        },
      );
    }
    const only = found.length === 1 ? this.get(found[0]) : undefined;
    if (only !== undefined) return only;
    throw new LaminaError(
      "not-found",
      `finding image ${reference}: the store ${this.#layout.root} has no such name or digest`,
      { hint: this.#hintFor(reference) },
    );
  }

  /** Names are taken as they are; who is used to a registry or `:latest` being understood is told the whole one. */
  #hintFor(reference: string): string {
    const ends = [`/${reference}`, `/${reference}:latest`];
    const meant = [...this.#names.byDigest().values()].flat().sort()
      .filter((name) => ends.some((end) => `/${name}`.endsWith(end)));
    return meant.length > 0
      ? `There is ${meant.slice(0, 3).join(", ")}.`
      : "lamina images lists what there is; lamina pull brings more.";
  }

  /** Lets an image enter; `staging` may hold `origins` and `fixup/` already. Does nothing when the image is there. */
  enter(image: ImageRecord, manifest: Uint8Array, config: Uint8Array, staging: Staging): void {
    writeDurably(`${staging.path}/manifest.json`, manifest);
    writeDurably(`${staging.path}/config.json`, config);
    writeDurably(`${staging.path}/image.json`, JSON.stringify(image, null, 2) + "\n");
    syncDirectory(staging.path);
    const place = this.#layout.image(image.digest);
    Deno.mkdirSync(dirname(place), { recursive: true });
    staging.moveTo(place);
    syncDirectory(dirname(place));
    syncDirectory(this.#layout.images);
  }

  /**
   * Held for moments by whoever makes an image needed (a name, a lease, a composition) and by who removes one that is not: then none is
   * removed that was just found. Blocks the thread.
   */
  lock(): Disposable {
    return FileLock.exclusive(this.#layout.imagesLock);
  }

  /**
   * Removes an image, at once and durably; its layers and trees stay, for the collector. Hold the store's lock, and {@link lock} unless
   * the store is yours alone. Does nothing when there is none.
   */
  remove(digest: string): void {
    const place = this.#layout.image(digest);
    const aside = `${this.#layout.tmp}/${crypto.randomUUID()}`;
    try {
      renameNew(place, aside);
    } catch (error) {
      if (error instanceof SysError && error.errno === ENOENT) return;
      throw error;
    }
    syncDirectory(dirname(place));
    removeTree(AT_FDCWD, aside);
  }

  #document(digest: string, name: string): Uint8Array {
    const file = `${this.#layout.image(digest)}/${name}`;
    const bytes = readIfThere(file);
    if (bytes !== undefined) return bytes;
    throw new LaminaError("not-found", `reading ${name} of image ${digest}: ${file} is missing`, {
      hint: "Pull the image again.",
    });
  }
}
