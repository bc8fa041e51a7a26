// Digests of composefs images that manifests promise: computed as composefs-rs does, checked by pull.

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { CONFIG_DIGEST, LAYER_DIGEST, MERGED_DIGEST, sealedDigests } from "../../src/oci/sealed.ts";
import { Store } from "../../src/store/mod.ts";
import { fsVerityDigest, toHex, treeDigest } from "../../src/tree/mod.ts";
import { json, LayoutBuilder, makeConfig, sha256, writeOciLayout } from "../support/images.ts";
import { lacks, needs } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { pullShared } from "../support/threads.ts";
import { SEALED } from "./sealed_images.ts";

const [{ layers: LAYERS, digest: DIGEST }] = SEALED;
const CONFIG = toHex(fsVerityDigest(makeConfig({ layers: LAYERS }, LAYERS.map(sha256))));
const WRONG = "0".repeat(64);

/** Annotations of the manifest, the config and the layer. */
interface Promised {
  readonly manifest?: Record<string, unknown>;
  readonly config?: Record<string, unknown>;
  readonly layer?: Record<string, unknown>;
}

/** A layout with one image that promises something. */
async function writePromising(path: string, promised: Promised): Promise<void> {
  const layout = new LayoutBuilder();
  const { descriptor } = layout.image({ name: "app", layers: LAYERS });
  const file = layout.files.get(`blobs/sha256/${descriptor.digest.slice(7)}`)!;
  const manifest = JSON.parse(new TextDecoder().decode(file));
  manifest.annotations = promised.manifest;
  manifest.config.annotations = promised.config;
  manifest.layers[0].annotations = promised.layer;
  const { annotations } = descriptor;
  layout.top([layout.document(manifest, descriptor.mediaType, { annotations })]);
  await layout.writeDirectory(path);
}

for (const { name, layers, digest } of SEALED) {
  Deno.test(`the digest of ${name} in the profile oci-v1 is the one of cfsctl`, async () => {
    using temp = new TempDir();
    await writeOciLayout(`${temp.path}/layout`, [{ name, layers }]);
    const store = Store.open(`${temp.path}/store`, { create: true });
    const { image } = await pullShared(store, `oci:${temp.path}/layout:${name}`);
    const tree = store.trees.load(image).image;
    assertEquals(treeDigest(tree, { profile: "oci-v1" }), {
      digest,
      profile: "oci-v1",
      format: "v1",
    });
  });
}

Deno.test({
  ...needs("cfsctl computes those digests", lacks("cfsctl"), lacks("skopeo")),
  async fn() {
    using temp = new TempDir();
    const cfsctl = async (...args: string[]) => {
      const { success, stdout, stderr } = await new Deno.Command("cfsctl", {
        args: ["--insecure", "--repo", `${temp.path}/repo`, ...args],
      }).output();
      assertEquals(success, true, new TextDecoder().decode(stderr));
      return new TextDecoder().decode(stdout).trim();
    };
    await writeOciLayout(
      `${temp.path}/layout`,
      SEALED.map(({ name, layers }) => ({ name, layers })),
    );
    Deno.mkdirSync(`${temp.path}/repo`);
    await cfsctl("init", "--algorithm", "fsverity-sha256-12");
    for (const { name, digest } of SEALED) {
      await cfsctl("oci", "pull", `oci:${temp.path}/layout:${name}`, name);
      assertEquals(await cfsctl("oci", "compute-id", name), digest);
    }
  },
});

Deno.test("pull checks what a manifest promises", async () => {
  const other = "composefs.merged.erofs.v1.fsverity-sha512-12";
  const cases: [Promised, string[], string[]][] = [
    [{}, [], []],
    [{ manifest: { title: "app" } }, [], []],
    [{ manifest: { [MERGED_DIGEST]: DIGEST } }, [MERGED_DIGEST], []],
    [{ config: { [CONFIG_DIGEST]: CONFIG } }, [CONFIG_DIGEST], []],
    [
      {
        manifest: { [MERGED_DIGEST]: DIGEST, [other]: "ab", [`${MERGED_DIGEST}.sig`]: "MII" },
        layer: { [LAYER_DIGEST]: WRONG },
      },
      [MERGED_DIGEST],
      [LAYER_DIGEST, other],
    ],
  ];
  for (const [promised, verified, unverified] of cases) {
    using temp = new TempDir();
    await writePromising(`${temp.path}/layout`, promised);
    const store = Store.open(`${temp.path}/store`, { create: true });
    const result = await pullShared(store, `oci:${temp.path}/layout:app`);
    assertEquals([result.verified, result.unverified], [verified, unverified]);
    assertEquals(store.images.list().length, 1);
  }
});

Deno.test("an image that is not what its manifest promises does not enter the store", async () => {
  const cases: [Promised, string, string, boolean][] = [
    [{ manifest: { [MERGED_DIGEST]: WRONG } }, DIGEST, MERGED_DIGEST, true],
    [{ config: { [CONFIG_DIGEST]: WRONG } }, CONFIG, CONFIG_DIGEST, false],
  ];
  for (const [promised, found, key, read] of cases) {
    using temp = new TempDir();
    await writePromising(`${temp.path}/layout`, promised);
    const store = Store.open(`${temp.path}/store`, { create: true });
    const reference = `oci:${temp.path}/layout:app`;
    const error = await assertRejects(() => pullShared(store, reference), LaminaError);
    assertEquals(error.kind, "invalid");
    for (const piece of [reference, WRONG, found, key]) assertStringIncludes(error.message, piece);
    assertEquals(store.images.list(), []);
    assertEquals(store.names.byDigest().size, 0);
    for (const { path } of [{ path: store.layout.tmp }, { path: store.layout.trees }]) {
      assertEquals([...Deno.readDirSync(path)], []);
    }
    // The layer is what its own digests say, and stays for the next try; the config is checked before any layer is read.
    assertEquals(store.layers.list().length, read ? 1 : 0);
  }
});

Deno.test("annotations that are no digests are refused", () => {
  const manifest = (annotations: unknown, layer: unknown = {}) =>
    json({ annotations, config: {}, layers: [{ annotations: layer }] });
  const cases: [Uint8Array, string][] = [
    [manifest({ [MERGED_DIGEST]: DIGEST.toUpperCase() }), "is no SHA-256 digest"],
    [manifest({ [MERGED_DIGEST]: `sha256:${DIGEST}` }), "is no SHA-256 digest"],
    [manifest({ [MERGED_DIGEST]: 5 }), "is not a string"],
    [manifest([]), "are not an object"],
    [manifest({}, { [LAYER_DIGEST]: "ab" }), "of layer 1 is no SHA-256 digest"],
  ];
  for (const [bytes, message] of cases) {
    const error = assertThrows(() => sealedDigests(bytes, "reading x"), LaminaError);
    assertEquals(error.kind, "invalid");
    assertStringIncludes(error.message, message);
  }
  assertEquals(sealedDigests(manifest(null), "x"), {
    merged: undefined,
    config: undefined,
    unchecked: [],
  });
});
