/**
 * Images that are made for a benchmark, brought into a temporary store by the usual way.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { createTarPacker, type TarHeader } from "modern-tar";
import { LaminaError } from "../../error.ts";
import { AT_FDCWD, FileLock, removeTree } from "../../linux/mod.ts";
import { LayerPipeline } from "../../layer/mod.ts";
import { pull, type PullOptions } from "../../oci/pull.ts";
import { Store } from "../../store/mod.ts";
import { bytesOf, entriesOfLayer, type Entry, nameOf, type Recipe } from "./recipe.ts";
import type { BenchImage } from "./entry.ts";
import { freeBytes } from "./space.ts";

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
   * Makes a store in a directory, with an image for each recipe. It has one name: what a killed benchmark left is used, and removed, by the
   * next.
   *
   * @param place An existing directory.
   * @throws {LaminaError} `failed` where they would fill the disk.
   */
  static async make(
    place: string,
    recipes: readonly Recipe[],
    signal?: AbortSignal,
  ): Promise<TemporaryStore> {
    checkSpace(place, recipes);
    const store = Store.open(`${place}/.lamina-bench-store`, { create: true });
    const lock = FileLock.shared(lockFile(store));
    const images: BenchImage[] = [];
    const temporary = new TemporaryStore(store, images, lock);
    try {
      await using pipeline = new LayerPipeline({ native: store.native, keepThreads: true });
      for (const recipe of recipes) images.push(await enter(store, recipe, { signal, pipeline }));
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

/** Each takes its place as a layout, in the store, and as a composition that is a copy. */
const TIMES = 3;

function checkSpace(place: string, recipes: readonly Recipe[]): void {
  const need = recipes.reduce((sum, recipe) => sum + TIMES * bytesOf(recipe), 0);
  const free = freeBytes(place);
  if (need <= free) return;
  const [needs, has] = [need, free].map((bytes) => `${(bytes / 1e9).toFixed(1)} GB`);
  throw new LaminaError("failed", `generating images in ${place}: takes ${needs} of ${has}`, {
    hint: "Generate fewer or smaller files, or measure elsewhere: --on DIR.",
  });
}

async function enter(store: Store, recipe: Recipe, options: PullOptions): Promise<BenchImage> {
  const name = nameOf(recipe);
  const layout = Deno.makeTempDirSync({ dir: store.root, prefix: "layout-" });
  try {
    const layers = Array.from(
      { length: recipe.layers },
      (_, layer) => () => entriesOfLayer(recipe, layer),
    );
    await writeLayout(layout, name, layers, options.signal);
    const { image } = await pull(store, `oci:${layout}:${name}`, options);
    return { name, image, generated: true };
  } finally {
    Deno.removeSync(layout, { recursive: true });
  }
}

/**
 * Writes an OCI image layout of one image.
 *
 * @param layout An existing directory.
 * @param contents What each layer has, lowest first.
 */
export async function writeLayout(
  layout: string,
  name: string,
  contents: readonly (() => Iterable<Entry>)[],
  signal?: AbortSignal,
): Promise<void> {
  const blobs = `${layout}/blobs/sha256`;
  Deno.mkdirSync(blobs, { recursive: true });
  const blob = (bytes: Uint8Array, mediaType: string) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    Deno.writeFileSync(`${blobs}/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
  const type = "application/vnd.oci.image";
  const layers = [];
  for (const entries of contents) {
    signal?.throwIfAborted();
    layers.push({ mediaType: `${type}.layer.v1.tar`, ...await writeLayer(blobs, entries()) });
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
  const annotations = { "org.opencontainers.image.ref.name": name };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  Deno.writeFileSync(`${layout}/index.json`, json(index));
  Deno.writeFileSync(`${layout}/oci-layout`, json({ imageLayoutVersion: "1.0.0" }));
}

/** Writes a layer as a blob, by and by: it may be larger than the memory. */
async function writeLayer(blobs: string, entries: Iterable<Entry>) {
  const { readable, controller } = createTarPacker();
  const packing = (async () => {
    try {
      for (const entry of entries) {
        const writer = controller.add(headerOf(entry)).getWriter();
        if (entry.type === "file") await writer.write(entry.body);
        await writer.close();
      }
      controller.finalize();
    } catch (error) {
      controller.error(error);
    }
  })();
  const hash = createHash("sha256");
  let size = 0;
  const draft = `${blobs}/draft`;
  {
    using file = Deno.createSync(draft);
    for await (const chunk of readable) {
      hash.update(chunk);
      size += chunk.length;
      for (let done = 0; done < chunk.length;) done += file.writeSync(chunk.subarray(done));
    }
  }
  await packing;
  const hex = hash.digest("hex");
  Deno.renameSync(draft, `${blobs}/${hex}`);
  return { digest: `sha256:${hex}`, size };
}

const MTIME = new Date("2024-01-01T00:00:00Z");

function headerOf(entry: Entry): TarHeader {
  const { type, name } = entry;
  switch (entry.type) {
    case "directory":
      return { type, name: `${name}/`, size: 0, mode: 0o755, mtime: MTIME };
    case "symlink":
      return { type, name, linkname: entry.target, size: 0, mode: 0o777, mtime: MTIME };
    case "file":
      return { type, name, size: entry.body.length, mode: 0o644, mtime: MTIME };
  }
}
