/**
 * Images for a benchmark where the store has none: made in memory, brought into a temporary store by the usual way.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { packTar } from "modern-tar";
import { AT_FDCWD, FileLock, removeTree } from "../../linux/mod.ts";
import { pull } from "../../oci/pull.ts";
import { Store } from "../../store/mod.ts";
import type { BenchImage } from "./run.ts";

/** What a generated image is like. Every tenth file has a symbolic link beside it. */
export interface Shape {
  readonly name: string;
  readonly layers: number;
  /** In all layers. */
  readonly files: number;
}

/** Few files and many: what grows with entries shows. */
export const SHAPES: readonly Shape[] = [
  { name: "generated-500", layers: 2, files: 500 },
  { name: "generated-5000", layers: 5, files: 5_000 },
];

const PER_DIRECTORY = 10;

/** Sizes in bytes, in turn, about as root filesystems have them: most files are small, most bytes are in large ones. */
const SIZES = [700, 1_500, 2_500, 4_000, 400, 9_000, 15_000, 3_000, 40_000, 1_200];

/** A store that is gone when it is disposed of. */
export class TemporaryStore implements Disposable {
  readonly store: Store;
  readonly images: readonly BenchImage[];
  readonly #lock: FileLock;

  private constructor(store: Store, images: readonly BenchImage[], lock: FileLock) {
    this.store = store;
    this.images = images;
    this.#lock = lock;
  }

  /**
   * Makes a store in a directory, with images of some shapes. It has one name: what a killed benchmark left is used, and removed, by the
   * next.
   *
   * @param place An existing directory.
   */
  static async make(
    place: string,
    shapes: readonly Shape[],
    signal?: AbortSignal,
  ): Promise<TemporaryStore> {
    const store = Store.open(`${place}/.lamina-bench-store`, { create: true });
    const lock = FileLock.shared(lockFile(store));
    const images: BenchImage[] = [];
    const temporary = new TemporaryStore(store, images, lock);
    try {
      for (const shape of shapes) images.push(await enter(store, shape, signal));
      return temporary;
    } catch (error) {
      temporary[Symbol.dispose]();
      throw error;
    }
  }

  /** Removes it, unless another benchmark is using it. */
  [Symbol.dispose](): void {
    this.#lock[Symbol.dispose]();
    using alone = FileLock.tryExclusive(lockFile(this.store));
    if (alone !== undefined) removeTree(AT_FDCWD, this.store.root);
  }
}

function lockFile(store: Store): string {
  return `${store.layout.locks}/temporary`;
}

async function enter(store: Store, shape: Shape, signal?: AbortSignal): Promise<BenchImage> {
  const layout = Deno.makeTempDirSync({ dir: store.root, prefix: "layout-" });
  try {
    await writeLayout(layout, shape);
    const { image } = await pull(store, `oci:${layout}:${shape.name}`, { signal });
    return { name: shape.name, image, generated: true };
  } finally {
    Deno.removeSync(layout, { recursive: true });
  }
}

async function writeLayout(layout: string, shape: Shape): Promise<void> {
  Deno.mkdirSync(`${layout}/blobs/sha256`, { recursive: true });
  const blob = (bytes: Uint8Array, mediaType: string) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    Deno.writeFileSync(`${layout}/blobs/sha256/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const type = "application/vnd.oci.image";
  const layers = [];
  for (let layer = 0; layer < shape.layers; layer++) {
    layers.push(blob(await packTar(entries(shape, layer)), `${type}.layer.v1.tar`));
  }
  const config = blob(
    json({
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    }),
    `${type}.config.v1+json`,
  );
  const mediaType = `${type}.manifest.v1+json`;
  const manifest = blob(json({ schemaVersion: 2, mediaType, config, layers }), mediaType);
  const annotations = { "org.opencontainers.image.ref.name": shape.name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  Deno.writeFileSync(`${layout}/index.json`, json(index));
  Deno.writeFileSync(`${layout}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
}

/** The entries of one layer: its part of the files, ten in a directory. */
function entries(shape: Shape, layer: number) {
  const { layers, files } = shape;
  const [from, to] = [layer, layer + 1].map((n) => Math.floor(files * n / layers));
  const mtime = new Date("2024-01-01T00:00:00Z");
  const made = [];
  for (let n = from; n < to; n++) {
    const directory = `usr/share/package-${Math.floor(n / PER_DIRECTORY)}`;
    if (n === from || n % PER_DIRECTORY === 0) {
      made.push(
        {
          header: { name: `${directory}/`, type: "directory", size: 0, mode: 0o755, mtime },
        } as const,
      );
      const link = {
        name: `${directory}/current`,
        type: "symlink",
        linkname: `file-${n}`,
      } as const;
      made.push({ header: { ...link, size: 0, mode: 0o777, mtime } } as const);
    }
    // Every content is another: nothing is shared that would not be elsewhere.
    const body = new Uint8Array(SIZES[n % SIZES.length]).fill(n % 251);
    body.set(new TextEncoder().encode(`${shape.name} ${n}`));
    const name = `${directory}/file-${n}`;
    made.push(
      { header: { name, type: "file", size: body.length, mode: 0o644, mtime }, body } as const,
    );
  }
  return made;
}
