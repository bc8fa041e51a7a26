/**
 * The tables of a containers/storage store: its images and layers, as the JSON files of the store have them.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  check,
  EACCES,
  EAGAIN,
  ENOENT,
  Fd,
  lockRecords,
  O_RDONLY,
  openat,
} from "../linux/mod.ts";
import { excerpt } from "./documents.ts";
import { type Extent, readDocument, statIfThere } from "./files.ts";
import { enumerate } from "./image.ts";

/** Most bytes of a table. */
const TABLE_LIMIT = 1 << 28;
/** How long to wait for somebody who changes the store, in milliseconds, and between two looks. */
const PATIENCE = 60_000;
const PAUSE = 50;

/** Where the layers' directories of a driver are, by its name: those that keep a layer's files in a directory. */
const DIRECTORIES: Readonly<Record<string, (root: string, id: string) => string>> = {
  overlay: (root, id) => `${root}/overlay/${id}/diff`,
  vfs: (root, id) => `${root}/vfs/dir/${id}`,
};

/** An image of the store. */
export interface StoredImage {
  /** 64 hex digits. */
  readonly id: string;
  /** Digest of its manifest. */
  readonly digest?: string;
  /** In full: `docker.io/library/alpine:latest`. */
  readonly names: readonly string[];
  /** Id of its uppermost layer. */
  readonly layer?: string;
  /** Names of the documents that the store has of it: its manifests and its config. */
  readonly documents: readonly string[];
}

/** A layer of the store. */
export interface StoredLayer {
  /** 64 hex digits; as a rule its ChainID. */
  readonly id: string;
  /** Id of the layer below. */
  readonly parent?: string;
  /** Digest of its uncompressed archive, as the store says. */
  readonly diffId?: string;
  /** Bytes of that archive. */
  readonly size: number;
}

/** A store, locked for reading as its own programs do while they read a layer: those that want to change it wait. */
export class StorageTables implements Disposable {
  /** What it is, for messages. */
  readonly subject: string;
  /** Its driver. */
  readonly driver: string;
  readonly #root: string;
  #locks: DisposableStack | undefined;
  readonly #images: readonly StoredImage[];
  readonly #layers: ReadonlyMap<string, StoredLayer>;

  private constructor(root: string, driver: string) {
    this.subject = `the storage ${root} (${driver})`;
    this.driver = driver;
    this.#root = root;
    this.#images = this.#table("images", (entry) => ({
      id: text(entry, "id")!,
      digest: text(entry, "digest"),
      names: texts(entry, "names"),
      layer: text(entry, "layer"),
      documents: texts(entry, "big-data-names"),
    }));
    const layers = this.#table("layers", (entry): StoredLayer => ({
      id: text(entry, "id")!,
      parent: text(entry, "parent"),
      diffId: text(entry, "diff-digest"),
      size: typeof entry["diff-size"] === "number" ? entry["diff-size"] : 0,
    }));
    this.#layers = new Map(layers.map((layer) => [layer.id, layer]));
  }

  /**
   * Opens a store.
   *
   * @param root Its directory.
   * @param driver One of several that have images there; undefined: the only one.
   * @throws {LaminaError} `not-found` where there is none, `unsupported` for a driver without directories.
   */
  static async open(root: string, driver?: string): Promise<StorageTables> {
    const chosen = driver ?? findDriver(root);
    const subject = `opening the storage ${root}`;
    if (!Object.hasOwn(DIRECTORIES, chosen)) {
      throw new LaminaError("unsupported", `${subject}: its driver is ${chosen}`, {
        hint: "Of overlay and vfs the layers can be read; from others copy the image with " +
          "skopeo copy containers-storage:NAME oci:DIR:TAG.",
      });
    }
    if (statIfThere(`${root}/${chosen}-images/images.json`) === undefined) {
      throw new LaminaError("not-found", `${subject}: it has no images of the driver ${chosen}`, {
        hint: "podman info says where the storage is (graphRoot) and its driver.",
      });
    }
    using locks = new DisposableStack();
    for (const kind of ["images", "layers"]) {
      const lock = await lockForReading(`${root}/${chosen}-${kind}/${kind}.lock`);
      if (lock !== undefined) locks.use(lock);
    }
    const tables = new StorageTables(root, chosen);
    tables.#locks = locks.move();
    return tables;
  }

  /** The images. */
  images(): readonly StoredImage[] {
    return this.#images;
  }

  /** The layers of an image, the lowest first. */
  layersOf(image: StoredImage): StoredLayer[] {
    const chain = new Set<StoredLayer>();
    for (let id = image.layer; id !== undefined;) {
      const layer = this.#layers.get(id);
      if (layer === undefined || chain.has(layer)) {
        const what = `image ${image.id} needs the layer ${excerpt(id)}`;
        throw this.#damaged(`${what}, which is not there, or below itself`);
      }
      chain.add(layer);
      id = layer.parent;
    }
    return [...chain].reverse();
  }

  /** A document of an image; undefined where there is none of that name. */
  document(image: StoredImage, name: string): Extent | undefined {
    if (!image.documents.includes(name)) return undefined;
    // As containers/storage names such files: images.go, makeBigDataBaseName.
    const base = /^[a-z0-9.]+$/.test(name) ? name : `=${base64(name)}`;
    const file = `${this.#root}/${this.driver}-images/${image.id}/${base}`;
    const info = statIfThere(file);
    if (info === undefined || !info.isFile) return undefined;
    return { file, offset: 0, length: info.size };
  }

  /** The file with the rest of a layer's archive, and the directory with its files. */
  placeOf({ id }: StoredLayer): { tarSplit: string; directory: string } {
    return {
      tarSplit: `${this.#root}/${this.driver}-layers/${id}.tar-split.gz`,
      directory: DIRECTORIES[this.driver](this.#root, id),
    };
  }

  #table<T extends { readonly id: string }>(
    kind: string,
    read: (entry: Record<string, unknown>) => T,
  ): T[] {
    const file = `${this.#root}/${this.driver}-${kind}/${kind}.json`;
    const info = statIfThere(file);
    if (info === undefined) return [];
    const bytes = readDocument({ file, offset: 0, length: info.size }, file, TABLE_LIMIT);
    let list: unknown;
    try {
      list = JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      throw this.#damaged(`${file} is not JSON`);
    }
    if (!Array.isArray(list)) throw this.#damaged(`${file} is not a list`);
    return list.map((entry) => {
      const id = typeof entry === "object" && entry !== null ? text(entry, "id") : undefined;
      // It becomes part of a path.
      if (id === undefined || !/^[0-9a-f]{64}$/.test(id)) {
        throw this.#damaged(`an entry of ${file} has no id`);
      }
      return read(entry);
    });
  }

  #damaged(why: string): LaminaError {
    return new LaminaError("invalid", `reading ${this.subject}: ${why}`, {
      hint: "podman system check, or podman system reset, repairs a storage.",
    });
  }

  /** Gives the locks up. */
  [Symbol.dispose](): void {
    this.#locks?.dispose();
  }
}

function findDriver(root: string): string {
  const drivers: string[] = [];
  try {
    for (const { name } of Deno.readDirSync(root)) {
      const driver = /^([a-z0-9]+)-images$/.exec(name)?.[1];
      if (driver !== undefined) drivers.push(driver);
    }
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory)) {
      throw new LaminaError("failed", `opening the storage ${root}: ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  if (drivers.length === 1) return drivers[0];
  const what = `opening the storage ${root}`;
  if (drivers.length > 1) {
    throw new LaminaError("usage", `${what}: it has images of ${enumerate(drivers.sort())}`, {
      hint: `Name one: containers-storage:[${drivers[0]}@${root}]NAME`,
    });
  }
  throw new LaminaError("not-found", `${what}: there is none`, {
    hint: "podman info says where it is (graphRoot); name it as containers-storage:[ROOT]NAME.",
  });
}

/**
 * Takes the lock that containers/storage takes for reading, a record lock; undefined where there is no such file. Timers and signals run
 * meanwhile.
 */
async function lockForReading(path: string): Promise<Disposable | undefined> {
  const n = openat(AT_FDCWD, path, O_RDONLY);
  if (n === -ENOENT) return undefined;
  using fd = Fd.adopt(check(n, "open", path));
  for (let waited = 0;; waited += PAUSE) {
    const r = lockRecords(fd.n);
    if (r >= 0) return Fd.adopt(fd.release());
    if (r !== -EAGAIN && r !== -EACCES) check(r, "fcntl", path);
    if (waited >= PATIENCE) {
      throw new LaminaError("failed", `locking ${path}: another program has been changing it`, {
        hint: "Wait until podman, buildah or skopeo is done, and try again.",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Base64 of a string's UTF-8. */
function base64(name: string): string {
  return new TextEncoder().encode(name).toBase64();
}

function text(entry: Record<string, unknown>, key: string): string | undefined {
  const value = entry[key];
  return typeof value === "string" && value !== "" ? value : undefined;
}

function texts(entry: Record<string, unknown>, key: string): string[] {
  const value = entry[key];
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
