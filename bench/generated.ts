/**
 * Generated images in a store: only what is known of files, no content. What the layouts of composefs' metadata cost needs no more.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { ImageRecord, Store } from "../src/store/mod.ts";
import { Inode, S_IFDIR, S_IFLNK, S_IFREG, writeErofs } from "../src/tree/mod.ts";

/** A family of images: one base, and a layer of its own for each. */
export interface Family {
  readonly name: string;
  readonly images: number;
  /** Entries of the base, in all of its layers. */
  readonly base: number;
  readonly baseLayers: number;
  /** Entries of each image's own layer; a tenth of them replaces files of the base, and a few remove some. */
  readonly own: number;
}

/** Files in a directory, about what a Debian system has. */
const PER_DIRECTORY = 10;

/** Puts a family of images into a store. */
export function generate(store: Store, family: Family): ImageRecord[] {
  const chain: string[] = [];
  for (let layer = 0; layer < family.baseLayers; layer++) {
    const root = top();
    const from = Math.floor(family.base * layer / family.baseLayers);
    const to = Math.floor(family.base * (layer + 1) / family.baseLayers);
    for (let i = from; i < to; i++) addEntry(root, `base`, i);
    chain.push(enterLayer(store, root));
  }
  return Array.from({ length: family.images }, (_, image) => {
    const root = top();
    const replaced = Math.floor(family.own / 10);
    for (let i = 0; i < family.own - replaced; i++) addEntry(root, `image-${image}`, i);
    const step = Math.max(1, Math.floor(family.base / (replaced + 1)));
    for (let i = 0; i < replaced; i++) {
      addEntry(root, "base", (i * step + image) % family.base, i % 5 === 0 ? "whiteout" : "new");
    }
    return enterImage(store, [...chain, enterLayer(store, root)], `${family.name} ${image}`);
  });
}

/** The tree of a base alone. */
export function generateTree(entries: number): Inode {
  const root = top();
  for (let i = 0; i < entries; i++) addEntry(root, "base", i);
  return root;
}

function top(): Inode {
  return stamp(new Inode(S_IFDIR | 0o755), 0);
}

function stamp(inode: Inode, seed: number): Inode {
  inode.mtime = 1_700_000_000 + seed % 1000;
  return inode;
}

/** Adds the n-th entry below a directory of that name: nine files of ten, of which one is small enough to be inline, and one link. */
function addEntry(root: Inode, tree: string, n: number, form: "old" | "new" | "whiteout" = "old") {
  const index = Math.floor(n / PER_DIRECTORY);
  let directory = root;
  for (const name of [tree, `group-${Math.floor(index / 30)}`, `package-${index}`]) {
    let next = directory.children!.get(name);
    if (next === undefined) directory.children!.set(name, next = top());
    directory = next;
  }
  const kind = n % PER_DIRECTORY;
  const name = `lib${tree}-component-${n}.so`;
  if (form === "whiteout") {
    directory.children!.set(name, stamp(new Inode(0o020000), 0));
  } else if (kind === 0) {
    const link = stamp(new Inode(S_IFLNK | 0o777), n);
    link.target = `../package-${index}/lib${tree}-component-${n + 1}.so.1`;
    directory.children!.set(name, link);
  } else {
    const file = stamp(new Inode(S_IFREG | (kind === 1 ? 0o755 : 0o644)), n);
    const digest = createHash("sha256").update(`${tree} ${n} ${form}`).digest();
    if (kind === 2) {
      file.size = 32;
      file.content = new Uint8Array(digest);
    } else {
      file.size = 1000 + n * 37 % 500_000;
      file.setObject(new Uint8Array(digest));
    }
    directory.children!.set(name, file);
  }
}

function enterLayer(store: Store, root: Inode): string {
  const index = writeErofs(root, { format: "v1" });
  const diffId = `sha256:${createHash("sha256").update(index).digest("hex")}`;
  using staging = store.staging();
  Deno.mkdirSync(`${staging.path}/fs`);
  Deno.writeFileSync(`${staging.path}/index.erofs`, index);
  const record = { diffId, entries: 0, tarBytes: 0, fileBytes: 0, sharedBytes: 0, metacopies: 0 };
  store.layers.enter([{ record, staging }]);
  return diffId;
}

/** Enters the record and the tree of an image; its layers are there. */
export function enterImage(store: Store, chain: readonly string[], name: string): ImageRecord {
  using staging = store.staging();
  const image = store.trees.make({
    digest: `sha256:${createHash("sha256").update(name).digest("hex")}`,
    source: name,
    platform: "linux/amd64",
    pulled: new Date().toISOString(),
    layers: chain.map((diffId) => ({ diffId, digest: diffId, size: 0, mediaType: "" })),
  }, staging);
  store.images.enter(image, new Uint8Array(), new Uint8Array(), staging);
  return image;
}
