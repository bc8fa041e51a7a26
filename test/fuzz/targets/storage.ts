/**
 * The tables of a containers/storage store: an input is images.json, a line feed, layers.json.
 *
 * @module
 */

import { ContainersStorageSource } from "../../../src/oci/containers_storage.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { json, LayoutBuilder } from "../../support/images.ts";
import { file, makeTar } from "../../support/tar.ts";
import { scratch } from "../scratch.ts";
import { orRefusedLater, type Target } from "../target.ts";
import { mutateLines } from "./json.ts";

const KINDS = ["invalid", "unsupported", "usage", "not-found"] as const;
const root = scratch("storage");

const layout = new LayoutBuilder();
const { image } = layout.image({ layers: [makeTar([file("f", "1")])] });
const blob = (digest: string) => layout.files.get(`blobs/sha256/${digest.slice(7)}`)!;
const id = image.configDigest.slice(7);
const layer = image.diffIds[0].slice(7);

const IMAGES = [{
  id,
  digest: image.digest,
  names: ["docker.io/library/a:latest"],
  layer,
  "big-data-names": [image.configDigest, `manifest-${image.digest}`, "manifest"],
}];
const LAYERS = [
  { id: layer, "diff-digest": image.diffIds[0], "diff-size": 2048 },
  { id: "b".repeat(64), parent: layer, "diff-digest": image.diffIds[0] },
];

function prepare(): void {
  const documents = `${root()}/overlay-images/${id}`;
  Deno.mkdirSync(documents, { recursive: true });
  Deno.mkdirSync(`${root()}/overlay-layers`, { recursive: true });
  Deno.writeFileSync(`${documents}/manifest`, blob(image.digest));
  Deno.writeFileSync(`${documents}/=${btoa(image.configDigest)}`, blob(image.configDigest));
  Deno.writeFileSync(`${root()}/overlay-layers/${layer}.tar-split.gz`, new Uint8Array());
}

let prepared = false;

const target: Target = {
  name: "storage",
  starts: () => [
    new TextEncoder().encode(`${JSON.stringify(IMAGES)}\n${JSON.stringify(LAYERS)}`),
    new Uint8Array([...json([]), 10, ...json([])]),
  ],
  words: ["[", "]", "{", "}", '"id":', '"names":', '"parent":', layer],
  mutate: mutateLines,
  async run(input) {
    if (!prepared) prepare();
    prepared = true;
    const cut = input.indexOf(10);
    Deno.writeFileSync(`${root()}/overlay-images/images.json`, input.subarray(0, Math.max(cut, 0)));
    Deno.writeFileSync(`${root()}/overlay-layers/layers.json`, input.subarray(cut + 1));
    for (const asked of [{}, { id: id.slice(0, 12) }, { name: "a" }]) {
      await orRefusedLater(async () => {
        const reference = { transport: "containers-storage", root: root(), ...asked } as const;
        using source = await ContainersStorageSource.open(reference, DEFAULT_LIMITS);
        await orRefusedLater(() => source.list(), KINDS);
        await source.resolve();
      }, KINDS);
    }
  },
};

export default target;
