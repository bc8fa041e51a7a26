/**
 * The whole way of a layer, from a layout into a store: it is refused, or what is on disk is what its index says.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { detectCompression } from "../../../src/layer/compression.ts";
import { LayerPipeline } from "../../../src/layer/mod.ts";
import { pull } from "../../../src/oci/pull.ts";
import { checkStore } from "../../../src/store/fsck/check.ts";
import { Store } from "../../../src/store/mod.ts";
import { readErofs } from "../../../src/tree/mod.ts";
import { assertDiskMatches } from "../../layer/support.ts";
import { LayoutBuilder, makeConfig, sha256 } from "../../support/images.ts";
import { notRoot } from "../../support/root.ts";
import { FAST } from "../../support/temp.ts";
import { orRefusedLater, Refused, type Target } from "../target.ts";
import { archives, mendArchive, TAR_WORDS } from "./archives.ts";

const LIMITS = { zstdWindow: 8 << 20, layerBytes: 64 << 20, fileBytes: 1 << 30 };
/** Images in one store, before another one is made. */
const IMAGES = 100;
/** What the kernel refuses: values of attributes that have a meaning to it, or are too large for the filesystem. */
const KERNELS = /: setxattr .*\((EINVAL|EOPNOTSUPP|ENOSPC|E2BIG|ERANGE|EPERM)\)$/;
const OCI = "application/vnd.oci.image";

/** The archive in a blob; that of another one, where it cannot be told. */
function archiveOf(blob: Uint8Array): Uint8Array {
  try {
    const options = { maxOutputLength: 64 << 20 };
    switch (detectCompression(blob)) {
      case "gzip":
        return gunzipSync(blob, options);
      case "zstd":
        return zstdDecompressSync(blob, options);
    }
  } catch {
    // Whatever its DiffID is, it is not this one's.
  }
  return blob;
}

/** A store, and a bait beside it for what leads out. */
class Ground {
  readonly path = Deno.makeTempDirSync({ dir: FAST, prefix: "lamina-fuzz-" });
  readonly store = Store.open(`${this.path}/store`, { create: true });
  readonly pipeline = new LayerPipeline({
    native: this.store.native,
    keepThreads: true,
  });
  images = 0;

  constructor() {
    for (const name of ["a", "d", "e"]) Deno.writeTextFileSync(`${this.path}/${name}`, "bait");
  }

  async layer(blob: Uint8Array): Promise<void> {
    const diffId = sha256(archiveOf(blob));
    const layout = new LayoutBuilder();
    const layer = layout.blob(blob, `${OCI}.layer.v1.tar`);
    const config = layout.blob(makeConfig({ layers: [] }, [diffId]), `${OCI}.config.v1+json`);
    const mediaType = `${OCI}.manifest.v1+json`;
    const manifest = { schemaVersion: 2, mediaType, config, layers: [layer] };
    layout.top([layout.document(manifest, mediaType)]);
    const path = `${this.path}/layout-${this.images++}`;
    await layout.writeDirectory(path);
    try {
      const { store, pipeline } = this;
      const pulled = await orRefusedLater(
        () => pull(store, `oci:${path}`, { pipeline, limits: LIMITS }),
        ["invalid", "unsupported", "failed"],
      );
      if (!(pulled instanceof Refused)) await this.#compare(pulled.image.digest, diffId);
      else if (pulled.error.kind === "failed" && !KERNELS.test(pulled.error.message)) {
        throw new Error(pulled.error.message);
      }
      this.#lookAround();
    } finally {
      Deno.removeSync(path, { recursive: true });
    }
  }

  async #compare(image: string, diffId: string): Promise<void> {
    const { store } = this;
    const directory = dirname(store.layers.directory(diffId));
    assertDiskMatches({
      fs: `${directory}/fs`,
      links: `${directory}/links`,
      root: readErofs(Deno.readFileSync(`${directory}/index.erofs`)),
      objects: store.layout.objects,
    });
    const found = await Array.fromAsync(checkStore(store, { images: [image], threads: 0 }));
    assertEquals(found.map(({ message }) => message), []);
  }

  #lookAround(): void {
    for (const name of ["a", "d", "e"]) {
      assertEquals(Deno.readTextFileSync(`${this.path}/${name}`), "bait");
    }
    const there = [...Deno.readDirSync(this.path)].map(({ name }) => name)
      .filter((name) => !name.startsWith("layout-")).sort();
    assertEquals(there, ["a", "d", "e", "store"]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pipeline[Symbol.asyncDispose]();
    Deno.removeSync(this.path, { recursive: true });
  }
}

let ground: Ground | undefined;

const target: Target = {
  name: "store",
  starts: () =>
    archives().flatMap((archive, index) => [
      archive,
      ...(index % 3 === 0 ? [new Uint8Array(gzipSync(archive))] : []),
      ...(index % 3 === 1 ? [new Uint8Array(zstdCompressSync(archive))] : []),
    ]),
  words: TAR_WORDS,
  mend: (blob) => detectCompression(blob) === "none" ? mendArchive(blob) : blob,
  short: 25,
  obstacle: notRoot(),
  async run(blob) {
    if (ground !== undefined && ground.images >= IMAGES) {
      await ground[Symbol.asyncDispose]();
      ground = undefined;
    }
    ground ??= new Ground();
    await ground.layer(blob);
  },
  async [Symbol.asyncDispose]() {
    await ground?.[Symbol.asyncDispose]();
    ground = undefined;
  },
};

export default target;
