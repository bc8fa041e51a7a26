/**
 * `lamina images --filter`: which images are listed, with the filters of podman-images(1) that make sense for a store.
 *
 * @module
 */

import type { Store } from "../store/mod.ts";
import type { ShownImage } from "./images.ts";
import { suggest, usageError } from "./parse.ts";

/** Whether an image passes. */
export type ImageFilter = (image: ShownImage) => boolean;

type Make = (value: string, store: Store) => ImageFilter;

const FILTERS: Readonly<Record<string, Make>> = {
  reference: (pattern) => {
    const wanted = globPattern(pattern);
    return ({ names }) => names.some((name) => wanted.test(name));
  },
  dangling: (value) => {
    const wanted = boolean("dangling", value);
    return ({ names }) => (names.length === 0) === wanted;
  },
  containers: (value, store) => {
    const wanted = boolean("containers", value);
    const composed = new Set(store.compositions.list().map(({ image }) => image));
    return ({ digest }) => composed.has(digest) === wanted;
  },
  label: (value) => {
    const equals = value.indexOf("=");
    if (equals < 0) return ({ labels }) => Object.hasOwn(labels, value);
    const [key, wanted] = [value.slice(0, equals), value.slice(equals + 1)];
    return ({ labels }) => Object.hasOwn(labels, key) && labels[key] === wanted;
  },
  before: (reference, store) => {
    const { pulled } = store.images.find(reference);
    return (image) => image.pulled < pulled;
  },
  since: (reference, store) => {
    const { pulled } = store.images.find(reference);
    return (image) => image.pulled > pulled;
  },
};

/** The filters' names, for help texts. */
export const FILTER_NAMES: readonly string[] = Object.keys(FILTERS);

/**
 * The filter that a list of `KEY=VALUE` makes: an image passes if each key has a value that it passes.
 *
 * @throws {LaminaError} `usage`; `not-found` for an image that is named in one.
 */
export function imageFilter(words: readonly string[], store: Store): ImageFilter {
  const byKey = new Map<string, ImageFilter[]>();
  for (const word of words) {
    const [, key = word, value = ""] = /^([^=]*)=(.+)$/s.exec(word) ?? [];
    if (!Object.hasOwn(FILTERS, key)) throw unknown(key);
    if (value === "") throw usageError("lamina images", `--filter ${key} needs a value`);
    byKey.set(key, [...byKey.get(key) ?? [], FILTERS[key](value, store)]);
  }
  return (image) => [...byKey.values()].every((any) => any.some((passes) => passes(image)));
}

function unknown(key: string): Error {
  const near = suggest(key, FILTER_NAMES);
  return usageError(
    "lamina images",
    `--filter: there is no filter \`${key}\``,
    near === undefined ? `filters are ${FILTER_NAMES.join(", ")}` : `did you mean \`${near}\`?`,
  );
}

function boolean(key: string, value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw usageError("lamina images", `--filter ${key} is true or false, not \`${value}\``);
}

/** `*` and `?` as in podman's patterns; a pattern without a tag is for all tags of a name. */
function globPattern(pattern: string): RegExp {
  const source = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^(?:.*/)?${source}(?::[^/:]*)?$`, "s");
}
