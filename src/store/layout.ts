/**
 * Where things are in a store: the only place that knows its paths.
 *
 * @module
 */

import { splitDigest } from "./digest.ts";

/** The paths of a store. Nothing here looks at the disk. */
export class Layout {
  /** The store's directory. */
  readonly root: string;
  /** The file with format version and features. */
  readonly format: string;
  /** Content objects, `ab/<62 hex>` by fs-verity digest: links to the inodes of the layers' files. */
  readonly objects: string;
  /** Unpacked layers by DiffID. */
  readonly layers: string;
  /** Images by digest of their manifest. */
  readonly images: string;
  /** Merged trees by fs-verity digest. */
  readonly trees: string;
  /** Names of images. */
  readonly tags: string;
  /** Records of leases, by their ids. */
  readonly leases: string;
  /** Records and workspaces of compositions. */
  readonly compositions: string;
  /** Where root filesystems are composed that last as long as a command. */
  readonly run: string;
  /** What is being made. Everything in it is garbage once nobody holds the store's lock. */
  readonly tmp: string;
  /** Files that are locked by flock(2). */
  readonly locks: string;
  /** What a repair took out of the store and did not remove, with notes. */
  readonly quarantine: string;
  /** What can be found out again: probe results, corrections of the cost model. */
  readonly cache: string;

  /**
   * The paths of a store at `root`.
   *
   * @param root Absolute path of the store.
   */
  constructor(root: string) {
    this.root = root;
    this.format = `${root}/lamina.json`;
    this.objects = `${root}/objects`;
    this.layers = `${root}/layers`;
    this.images = `${root}/images`;
    this.trees = `${root}/trees`;
    this.tags = `${root}/tags`;
    this.leases = `${root}/leases`;
    this.compositions = `${root}/compositions`;
    this.run = `${root}/run`;
    this.tmp = `${root}/tmp`;
    this.locks = `${root}/locks`;
    this.quarantine = `${root}/quarantine`;
    this.cache = `${root}/cache`;
  }

  /** The directories that every store has. */
  get directories(): readonly string[] {
    return [
      this.objects,
      this.layers,
      this.images,
      this.trees,
      this.tags,
      this.leases,
      this.compositions,
      this.run,
      this.tmp,
      this.locks,
      this.cache,
    ];
  }

  /** A layer's own directory: `fs/`, `index.erofs`, `layer.json`. */
  layer(diffId: string): string {
    const { algorithm, hex } = splitDigest(diffId);
    return `${this.layers}/${algorithm}/${hex}`;
  }

  /** An image's directory: `manifest.json`, `config.json`, `image.json`, `origins`, perhaps `fixup/`. */
  image(digest: string): string {
    const { algorithm, hex } = splitDigest(digest);
    return `${this.images}/${algorithm}/${hex}`;
  }

  /** A merged tree, by the fs-verity digest (64 hex digits) of its image. */
  tree(digest: string): string {
    return `${this.trees}/${splitDigest(`sha256:${digest}`).hex}.erofs`;
  }

  /** Records of the metadata images that stand for a part of a chain of layers. */
  get chains(): string {
    return `${this.trees}/chains`;
  }

  /**
   * The record of the metadata image for the last layers of a chain.
   *
   * @param chainId ChainID of all layers up to the last.
   * @param from How many of these the image does not stand for.
   */
  chain(chainId: string, from: number): string {
    const { algorithm, hex } = splitDigest(chainId);
    return `${this.chains}/${algorithm}-${hex}-${from}`;
  }

  /** What the collector knows of images and names. */
  get catalogue(): string {
    return `${this.cache}/catalogue`;
  }

  /** What strategies keep of trees, a directory for each tree: with the tree it goes. */
  get kept(): string {
    return `${this.cache}/trees`;
  }

  /** The directory of what strategies keep of a tree; by the fs-verity digest (64 hex digits) of its image. */
  keptOf(digest: string): string {
    return `${this.kept}/${splitDigest(`sha256:${digest}`).hex}`;
  }

  /** The lock that is held while something is made that is kept of a tree. */
  keptLock(digest: string, name: string): string {
    return `${this.locks}/kept-${splitDigest(`sha256:${digest}`).hex}-${name}`;
  }

  /** There while objects may have been left that no layer needs, by a crash that took the layer's index along. */
  get sweepNote(): string {
    return `${this.root}/sweep-objects`;
  }

  /** A name's file. */
  tag(name: string): string {
    return `${this.tags}/${encodeURIComponent(name)}`;
  }

  /** The lock that is held while a layer is ingested. */
  layerLock(diffId: string): string {
    const { algorithm, hex } = splitDigest(diffId);
    return `${this.locks}/layer-${algorithm}-${hex}`;
  }

  /** The lock that is held, for moments, while what an image is needed by is looked at or changed. */
  get imagesLock(): string {
    return `${this.locks}/images`;
  }

  /** The lock of who removes what is in tmp/. Taken before {@link storeLock}. */
  get tmpLock(): string {
    return `${this.locks}/tmp`;
  }

  /** The lock that pulls and compositions share, and that collecting and repairing take alone. */
  get storeLock(): string {
    return `${this.locks}/store`;
  }

  /** The lock that pulls, checks and other long work share as well. Taken before {@link storeLock}. */
  get workLock(): string {
    return `${this.locks}/work`;
  }
}
