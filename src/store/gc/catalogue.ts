/**
 * All images and names of a store, without reading each of their records each time.
 *
 * What was read is kept in the cache: an image's record, for its directory's inode; a name's digest, for its file's inode. A name is changed by a new
 * file only, and the cache has a hard link to each that it knows, so that no other file gets its inode number. So two directories and one
 * file are read, and the records of what is new.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import {
  AT_FDCWD,
  check,
  EEXIST,
  ENOENT,
  Fd,
  fstatfs,
  linkat,
  O_DIRECTORY,
  O_RDONLY,
  openat,
  OVERLAYFS_SUPER_MAGIC,
  readDirectory,
} from "../../linux/mod.ts";
import { byteString } from "../../tree/latin1.ts";
import { readIfThere, removeIfThere, replaceFile, syncDirectory } from "../atomic.ts";
import type { Layout } from "../layout.ts";
import type { Store } from "../store.ts";

/** What has to be known of an image to tell what it needs. */
export interface KnownImage {
  /** Digest of its manifest. */
  readonly digest: string;
  /** Its merged tree. */
  readonly tree: { readonly digest: string };
  /** Its layers, lowest first. */
  readonly layers: readonly { readonly diffId: string }[];
}

/** The images of a store. */
export interface Catalogue {
  /** All of them. */
  readonly images: readonly KnownImage[];
  /** Their names, by digest. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/** An image's record, of the directory with this inode. */
interface ImageEntry {
  readonly ino: number;
  readonly tree: string;
  readonly layers: readonly string[];
}

/** What the cache holds. */
interface Known {
  /** By digest. */
  readonly images: ReadonlyMap<string, ImageEntry>;
  /** Digests, by inode of the name's file. */
  readonly names: ReadonlyMap<number, string>;
}

const NOTHING: Known = { images: new Map(), names: new Map() };

/**
 * Reads all images and names. Hold the store's lock.
 *
 * @param alone Whether the store is held alone: then what was read is kept.
 * @throws {LaminaError} `invalid` where the record of an image cannot be read: nobody knows then what it needs.
 */
export function readCatalogue(store: Store, alone: boolean): Catalogue {
  const { layout } = store;
  const keeps = keepsInodes(layout);
  const known = keeps ? readKnown(layout) : NOTHING;
  const images = new Map<string, ImageEntry>();
  for (const { name: algorithm } of list(layout.images)) {
    for (const { name: hex, ino } of list(`${layout.images}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      const entry = known.images.get(digest);
      images.set(digest, entry?.ino === ino ? entry : { ino, ...readImage(store, digest) });
    }
  }
  const names = new Map<number, string>();
  const byDigest = new Map<string, string[]>();
  const fresh: { file: string; ino: number }[] = [];
  for (const { name: file, ino } of list(layout.tags)) {
    const name = decodeURIComponent(file);
    const entry = known.names.get(ino);
    const digest = entry ?? store.names.get(name);
    if (digest === undefined) continue;
    names.set(ino, digest);
    if (entry === undefined) fresh.push({ file, ino });
    byDigest.set(digest, [...byDigest.get(digest) ?? [], name]);
  }
  if (alone && keeps && !isSame(known, { images, names })) {
    try {
      writeKnown(layout, { images, names }, fresh);
    } catch {
      // A full disk, which is what is collected for: then all is read again the next time.
    }
  }
  return {
    images: [...images].map(([digest, { tree, layers }]) => ({
      digest,
      tree: { digest: tree },
      layers: layers.map((diffId) => ({ diffId })),
    })),
    names: byDigest,
  };
}

function list(path: string): { name: string; ino: number }[] {
  const n = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (n === -ENOENT) return [];
  using directory = Fd.adopt(check(n, "open", path));
  return readDirectory(directory.n).map(({ name, ino }) => ({
    name: byteString(name, 0, name.length - 1),
    ino,
  }));
}

/** Whether inode numbers of directories' entries are those of files, for as long as these are there. overlayfs has several files with one. */
function keepsInodes(layout: Layout): boolean {
  using root = Fd.open(layout.root, O_RDONLY | O_DIRECTORY);
  return fstatfs(root.n).type !== OVERLAYFS_SUPER_MAGIC;
}

function isSame(a: Known, b: Known): boolean {
  return a.names.size === b.names.size && a.images.size === b.images.size &&
    [...b.names].every(([ino]) => a.names.has(ino)) &&
    [...b.images].every(([digest, { ino }]) => a.images.get(digest)?.ino === ino);
}

function readKnown(layout: Layout): Known {
  const bytes = readIfThere(`${layout.catalogue}/known.json`);
  if (bytes === undefined) return NOTHING;
  try {
    const { images, names } = JSON.parse(new TextDecoder().decode(bytes));
    // A link that is not there, or is a copy, holds no inode.
    const held = new Set(list(`${layout.catalogue}/names`).filter(holds).map(({ ino }) => ino));
    return {
      images: new Map(images),
      names: new Map((names as [number, string][]).filter(([ino]) => held.has(ino))),
    };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return NOTHING;
    throw error;
  }
}

/** Whether a link, which is named by the inode that it was made to hold, is one to it. */
function holds({ name, ino }: { readonly name: string; readonly ino: number }): boolean {
  return name === String(ino);
}

/** In this order a crash leaves links too many, but never an inode that is known and not held. */
function writeKnown(
  layout: Layout,
  { images, names }: Known,
  fresh: readonly { file: string; ino: number }[],
): void {
  const links = `${layout.catalogue}/names`;
  Deno.mkdirSync(links, { recursive: true });
  const remove = (keep: (entry: { name: string; ino: number }) => boolean) => {
    for (const entry of list(links)) if (!keep(entry)) removeIfThere(`${links}/${entry.name}`);
  };
  remove(holds);
  const held = new Map(names);
  for (const { file, ino } of fresh) {
    const result = linkat(AT_FDCWD, `${layout.tags}/${file}`, AT_FDCWD, `${links}/${ino}`);
    if (result < 0 && result !== -EEXIST) held.delete(ino);
  }
  syncDirectory(links);
  const text = JSON.stringify({ images: [...images], names: [...held] });
  replaceFile(`${layout.catalogue}/known.json`, text, layout.tmp);
  remove(({ ino }) => held.has(ino));
}

function readImage(store: Store, digest: string): Omit<ImageEntry, "ino"> {
  try {
    const image = store.images.get(digest);
    if (image !== undefined) {
      return { tree: image.tree.digest, layers: image.layers.map(({ diffId }) => diffId) };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const path = store.layout.image(digest);
  throw new LaminaError("invalid", `collecting: the record of image ${digest} cannot be read`, {
    hint:
      `${path}/image.json is damaged: remove the directory and pull the image again; until then nothing is collected.`,
  });
}
