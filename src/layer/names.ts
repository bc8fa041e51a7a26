/**
 * Names of entries: which path of the layer they mean, and which of them are marks for overlayfs.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { ByteString } from "../tree/inode.ts";

/** Longest name in a directory: NAME_MAX. */
const NAME_MAX = 255;

const ODD_COMPONENT = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * The path that a name in an archive means: without slashes around it, without empty and `.` components; "" is the root. An
 * absolute name is one below the layer's root, as everywhere.
 *
 * @throws {LaminaError} `invalid`: it has a `..` component, or one longer than 255 bytes.
 */
export function normalizePath(name: ByteString): ByteString {
  let start = 0;
  if (name.startsWith("./")) start = 2;
  else if (name.startsWith("/")) start = 1;
  const end = name.endsWith("/") ? name.length - 1 : name.length;
  const path = start < end ? name.slice(start, end) : "";
  if (path.length <= NAME_MAX && !ODD_COMPONENT.test(path)) return path;
  const parts: ByteString[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") throw new LaminaError("invalid", "the name has a '..' component");
    if (part.length > NAME_MAX) {
      throw new LaminaError(
        "invalid",
        `a component of the name has ${part.length} bytes; filesystems take ${NAME_MAX}`,
      );
    }
    parts.push(part);
  }
  return parts.join("/");
}

/** The part of a normalised path before the last `/`: its directory. */
export function parentOf(path: ByteString): ByteString {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}

/** The part of a normalised path behind the last `/`: its name. */
export function baseOf(path: ByteString): ByteString {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** What an entry of a layer is for. */
export type Purpose =
  /** A file, directory, link … */
  | { readonly kind: "entry" }
  /** Hides `name` of lower layers, in the entry's directory. */
  | { readonly kind: "whiteout"; readonly name: ByteString }
  /** Hides all that lower layers have in the entry's directory. */
  | { readonly kind: "opaque" }
  /** Means nothing: what AUFS kept for itself. */
  | { readonly kind: "ignored" };

const ENTRY: Purpose = { kind: "entry" };
const OPAQUE: Purpose = { kind: "opaque" };
const IGNORED: Purpose = { kind: "ignored" };

const WHITEOUT = ".wh.";
const META = ".wh..wh.";
const OPAQUE_MARK = ".wh..wh..opq";

/**
 * Tells marks from entries, by the name alone: a mark may be of any type (OCI image spec, "Whiteouts"; AUFS' names from
 * its aufs(5)).
 *
 * @param path Normalised.
 * @throws {LaminaError} `invalid`: a mark that names nothing, or something below a mark.
 */
export function purposeOf(path: ByteString): Purpose {
  const first = path.indexOf(WHITEOUT);
  // Nearly every path, at the price of one search.
  if (first < 0) return ENTRY;
  const parts = path.split("/");
  const base = parts.pop()!;
  for (const part of parts) {
    if (part.startsWith(META) && part !== OPAQUE_MARK) return IGNORED;
    if (part.startsWith(WHITEOUT)) {
      throw new LaminaError("invalid", "its directory has the name of a whiteout");
    }
  }
  if (base === OPAQUE_MARK) return OPAQUE;
  if (base.startsWith(META)) return IGNORED;
  if (!base.startsWith(WHITEOUT)) return ENTRY;
  const name = base.slice(WHITEOUT.length);
  if (name === "" || name === "." || name === "..") {
    throw new LaminaError("invalid", `the whiteout hides nothing that can be: '${name}'`);
  }
  return { kind: "whiteout", name };
}
