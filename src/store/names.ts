/**
 * Names of images: `tags/NAME` holds the digest of the manifest that NAME stands for, and in a second line the reference that it was
 * pulled from under this name, if it was.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { listDirectory, readIfThere, removeIfThere, replaceFile, syncDirectory } from "./atomic.ts";
import { splitDigest } from "./digest.ts";
import type { Layout } from "./layout.ts";

const NAME = /^[A-Za-z0-9][A-Za-z0-9._\/:@+-]*$/;

/** Checks a name that a person gives to an image. */
export function checkName(name: string): void {
  if (!NAME.test(name) || encodeURIComponent(name).length > 255 || /^sha(256|512):/.test(name)) {
    throw new LaminaError(
      "usage",
      `not a name for an image: ${JSON.stringify(name.slice(0, 300))}`,
      {
        hint:
          "A name starts with a letter or digit, goes on with those and . _ - / : @ +, and has at most some 200 characters.",
      },
    );
  }
}

/** The names in a store. */
export class Names {
  readonly #layout: Layout;

  /** The names of a store. */
  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** The digest that a name stands for, or undefined. */
  get(name: string): string | undefined {
    return this.#lines(name)?.[0];
  }

  /** The reference that the image of a name was pulled from under this name; undefined where it got the name otherwise. */
  source(name: string): string | undefined {
    return this.#lines(name)?.[1] || undefined;
  }

  /**
   * Lets a name stand for an image; what it stood for before is returned.
   *
   * @param source The reference that it was just pulled from.
   */
  set(name: string, digest: string, source?: string): string | undefined {
    checkName(name);
    splitDigest(digest);
    const before = this.get(name);
    const kept = before === digest ? source ?? this.source(name) : source;
    if (before !== digest || kept !== this.source(name)) {
      replaceFile(this.#layout.tag(name), `${digest}\n${kept ?? ""}\n`, this.#layout.tmp);
    }
    return before;
  }

  /** Forgets a name. */
  remove(name: string): void {
    removeIfThere(this.#layout.tag(name));
    syncDirectory(this.#layout.tags);
  }

  /** All names by the digest that they stand for. */
  byDigest(): Map<string, string[]> {
    const names = new Map<string, string[]>();
    for (const file of listDirectory(this.#layout.tags)) {
      const name = decodeURIComponent(file);
      const digest = this.get(name);
      if (digest === undefined) continue;
      const list = names.get(digest);
      if (list === undefined) names.set(digest, [name]);
      else list.push(name);
    }
    return names;
  }

  #lines(name: string): string[] | undefined {
    if (!NAME.test(name) || encodeURIComponent(name).length > 255) return undefined;
    const bytes = readIfThere(this.#layout.tag(name));
    return bytes === undefined ? undefined : new TextDecoder().decode(bytes).split("\n");
  }
}
