/**
 * Where a strategy is tried: a store on a filesystem, images in it, and a place for targets.
 *
 * @module
 */

import {
  AT_FDCWD,
  check,
  EROFS,
  Fd,
  ioctl,
  MNT_DETACH,
  type MountInfo,
  O_DIRECTORY,
  O_RDONLY,
  readMounts,
  removeTree,
  SysError,
  umount2,
  UMOUNT_NOFOLLOW,
} from "../../linux/mod.ts";
import { LayerPipeline } from "../../layer/mod.ts";
import { pull } from "../../oci/pull.ts";
import { type CompositionRecord, type ImageRecord, Store } from "../../store/mod.ts";
import { readErofs } from "../../tree/mod.ts";
import { describeTree } from "./expected.ts";
import { writeLayout } from "./layout.ts";
import { diffSnapshots, snapshot } from "./snapshot.ts";
import { makeTar, type TarPiece } from "./tar.ts";

/** A path may be longer than what one system call takes. */
const LIMITS = { pathBytes: 65536 };

/** A file that lies beside all targets and has to stay as it is. */
const NEIGHBOUR = "neighbour";
const NEIGHBOURS_CONTENT = "not to be touched";

/** A store and a place for targets, below one directory. */
export class Bed {
  readonly store: Store;
  readonly targets: string;
  readonly path: string;
  readonly #images = new Map<string, Promise<ImageRecord>>();
  readonly #expected = new Map<string, Map<string, string>>();
  /** The layers of small images as they were when they came, by their directories. */
  readonly #layers = new Map<string, Map<string, string>>();
  #names = 0;
  #pipeline: LayerPipeline | undefined;

  /** @param path An empty directory. */
  constructor(path: string) {
    this.path = path;
    this.store = Store.open(`${path}/store`, { create: true });
    this.targets = `${path}/targets`;
    Deno.mkdirSync(this.targets);
    this.#putNeighbour();
  }

  /** A target that does not exist. */
  target(): string {
    return `${this.targets}/t${this.#names++}`;
  }

  /** Brings an image of the given layers into the store, by the way that all images take. */
  async image(name: string, layers: readonly TarPiece[][]): Promise<ImageRecord> {
    const layout = `${this.path}/layout-${this.#names++}`;
    try {
      writeLayout(layout, name, layers.map((pieces) => makeTar(pieces)));
      const options = { limits: LIMITS, pipeline: this.pipeline };
      return (await pull(this.store, `oci:${layout}:${name}`, options)).image;
    } finally {
      Deno.removeSync(layout, { recursive: true });
    }
  }

  /** The threads that images are brought in by; undefined: each has its own. */
  protected get pipeline(): LayerPipeline | undefined {
    return this.#pipeline;
  }

  /** Until it is disposed of, the threads that images are brought in by stay for the next image: starting them takes longest. */
  keepThreads(): AsyncDisposable {
    const pipeline = this.#pipeline = new LayerPipeline({
      native: this.store.native,
      keepThreads: true,
    });
    return {
      [Symbol.asyncDispose]: async () => {
        this.#pipeline = undefined;
        await pipeline[Symbol.asyncDispose]();
      },
    };
  }

  /** The same for an image that is used again: it comes once, or fails once. */
  shared(name: string, layers: () => readonly TarPiece[][]): Promise<ImageRecord> {
    let image = this.#images.get(name);
    if (image === undefined) this.#images.set(name, image = this.image(name, layers()));
    return image;
  }

  /** Remembers what an image's layers hold, for {@link changes}. */
  watch(image: ImageRecord): void {
    for (const { diffId } of image.layers) {
      const path = this.store.layers.directory(diffId);
      if (!this.#layers.has(path)) this.#layers.set(path, snapshot(path));
    }
  }

  /** How the layers that are watched differ from what they were. */
  changes(): string[] {
    return [...this.#layers].flatMap(([path, before]) => diffSnapshots(before, snapshot(path)));
  }

  /** What an image's tree should look like, in the form that `snapshot` has. */
  expected(image: ImageRecord): Map<string, string> {
    const { digest } = image.tree;
    let expected = this.#expected.get(digest);
    if (expected === undefined) {
      const { layout } = this.store;
      expected = describeTree(readErofs(Deno.readFileSync(layout.tree(digest))), layout.objects);
      this.#expected.set(digest, expected);
    }
    return expected;
  }

  /** What is on record, and what is being made. */
  leftovers(): { records: CompositionRecord[]; directories: string[] } {
    const { compositions, tmp } = this.store.layout;
    const directories = [compositions, tmp, this.targets].flatMap((path) =>
      Array.from(Deno.readDirSync(path), (entry) => `${path}/${entry.name}`)
    ).filter((path) => path !== this.#neighbour);
    return { records: this.store.compositions.list(), directories };
  }

  /** Whether what lies beside the targets is as it was. */
  get neighbourIsThere(): boolean {
    try {
      return Deno.readTextFileSync(this.#neighbour) === NEIGHBOURS_CONTENT;
    } catch {
      return false;
    }
  }

  /** What is mounted below, the latest last. */
  mounts(): MountInfo[] {
    return mountsBelow(this.path);
  }

  /** Clears away all that compositions left, by force. */
  clear(): void {
    unmountBelow(this.path);
    const { compositions, tmp } = this.store.layout;
    for (const path of [compositions, tmp, this.targets]) {
      for (const { name } of [...Deno.readDirSync(path)]) forceRemoval(`${path}/${name}`);
    }
    this.#putNeighbour();
  }

  get #neighbour(): string {
    return `${this.targets}/${NEIGHBOUR}`;
  }

  #putNeighbour(): void {
    Deno.writeTextFileSync(this.#neighbour, NEIGHBOURS_CONTENT);
  }
}

/** Removes a path with all below it, also a btrfs subvolume that is read-only (BTRFS_IOC_SUBVOL_SETFLAGS). */
export function forceRemoval(path: string): void {
  try {
    removeTree(AT_FDCWD, path);
  } catch (error) {
    if (!(error instanceof SysError) || error.errno !== EROFS) throw error;
    using subvolume = Fd.open(path, O_RDONLY | O_DIRECTORY);
    check(ioctl(subvolume.n, SUBVOL_SETFLAGS, new Uint8Array(8)), "ioctl", path);
    removeTree(AT_FDCWD, path);
  }
}

const SUBVOL_SETFLAGS = 0x4008_941a;

function mountsBelow(directory: string): MountInfo[] {
  return readMounts().filter(({ path }) => path.startsWith(`${directory}/`));
}

/** Unmounts all that is mounted below a directory, the latest first, busy or not. */
export function unmountBelow(directory: string): void {
  for (const { path } of mountsBelow(directory).reverse()) {
    umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
  }
}
