/**
 * bbolt databases, and containerd's images in them.
 *
 * @module
 */

import { type Bucket, readBolt } from "../../../src/oci/bolt.ts";
import { containerdImages } from "../../../src/oci/containerd.ts";
import { DEFAULT_LIMITS } from "../../../src/limits.ts";
import { concat } from "../../support/tar.ts";
import { scratch } from "../scratch.ts";
import { bytesOf, orRefused, type Target } from "../target.ts";

const PAGE = 4096;
const root = scratch("containerd");
const DATABASE = "io.containerd.metadata.v1.bolt";

type Value = string | Tree;
interface Tree {
  readonly [key: string]: Value;
}

/** A leaf page's content: elements, then keys and values. Buckets in it are inline: with a page of their own behind their header. */
function leaf(tree: Tree): Uint8Array {
  const items = Object.entries(tree).sort(([a], [b]) => a < b ? -1 : 1).map(([key, value]) => ({
    key: bytesOf(key),
    value: typeof value === "string" ? bytesOf(value) : concat(new Uint8Array(16), leaf(value)),
    flags: typeof value === "string" ? 0 : 1,
  }));
  const head = new Uint8Array(16 + 16 * items.length);
  const view = new DataView(head.buffer);
  view.setUint16(8, 2, true);
  view.setUint16(10, items.length, true);
  let at = head.length;
  items.forEach(({ key, value, flags }, index) => {
    const element = 16 + 16 * index;
    view.setUint32(element, flags, true);
    view.setUint32(element + 4, at - element, true);
    view.setUint32(element + 8, key.length, true);
    view.setUint32(element + 12, value.length, true);
    at += key.length + value.length;
  });
  return concat(head, ...items.flatMap(({ key, value }) => [key, value]));
}

function page(content: Uint8Array): Uint8Array {
  const pages = Math.ceil(content.length / PAGE);
  const out = new Uint8Array(pages * PAGE);
  out.set(content);
  new DataView(out.buffer).setUint32(12, pages - 1, true);
  return out;
}

function meta(root: number, transaction: number): Uint8Array {
  const out = new Uint8Array(PAGE);
  const view = new DataView(out.buffer);
  view.setUint16(8, 4, true);
  view.setUint32(16, 0xed0cdaed, true);
  view.setUint32(20, 2, true);
  view.setUint32(24, PAGE, true);
  view.setBigUint64(32, BigInt(root), true);
  view.setBigUint64(64, BigInt(transaction), true);
  return out;
}

/** Makes the checksums of both meta pages right: FNV-1a of 64 bits. */
function mend(input: Uint8Array): Uint8Array {
  const out = input.slice();
  const view = new DataView(out.buffer);
  for (const at of [16, PAGE + 16]) {
    if (at + 64 > out.length) continue;
    let hash = 0xcbf29ce484222325n;
    for (let i = 0; i < 56; i++) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(out[at + i])) * 0x100000001b3n);
    }
    view.setBigUint64(at + 56, hash, true);
  }
  return out;
}

const DIGEST = `sha256:${"a".repeat(64)}`;
const image = {
  target: {
    digest: DIGEST,
    mediatype: "application/vnd.oci.image.manifest.v1+json",
    size: "\xd0\x0f",
  },
};
const TREE = { v1: { default: { images: { "docker.io/library/a:1": image, b: image } }, k: "v" } };

/** Databases of a leaf, and of a branch over two. */
function starts(): Uint8Array[] {
  const one = mend(concat(meta(2, 1), meta(2, 2), page(leaf(TREE))));
  const branch = new Uint8Array(16 + 2 * 16 + 2);
  const view = new DataView(branch.buffer);
  view.setUint16(8, 1, true);
  view.setUint16(10, 2, true);
  for (const [index, child] of [3, 4].entries()) {
    view.setUint32(16 + 16 * index, 32 - 15 * index, true);
    view.setUint32(20 + 16 * index, 1, true);
    view.setBigUint64(24 + 16 * index, BigInt(child), true);
  }
  const two = [page(leaf(TREE)), page(leaf({ w: "x", y: { z: "" } }))];
  return [one, mend(concat(meta(2, 3), meta(2, 2), page(branch), ...two))];
}

/** Reads all of a database; how deep its buckets are is for those who read them to bound. */
function readAll(bucket: Bucket, depth: number): void {
  for (const [key, value] of bucket.values()) {
    if (typeof key !== "string" || !(value instanceof Uint8Array)) throw new Error("no value");
  }
  if (depth > 0) { for (const inner of bucket.buckets().values()) readAll(inner, depth - 1); }
}

const target: Target = {
  name: "bolt",
  starts,
  words: ["v1", "images", "target", "digest", "mediatype", "size", DIGEST],
  mend,
  mutate(input, random) {
    // Headers of pages, and the first elements.
    const copy = input.slice();
    const pages = Math.max(1, Math.floor(copy.length / PAGE));
    const at = PAGE * random.below(pages) + 8 + random.below(72);
    if (at >= copy.length) return undefined;
    copy[at] = random.pick([copy[at] ^ (1 << random.below(8)), random.below(256), 0, 1, 0xff]);
    return copy;
  },
  run(input) {
    const directory = `${root()}/${DATABASE}`;
    Deno.mkdirSync(directory, { recursive: true });
    const file = `${directory}/meta.db`;
    Deno.writeFileSync(file, input);
    orRefused(() => readAll(readBolt(file), 3));
    const files = { subject: "containerd", find: () => undefined };
    orRefused(() =>
      containerdImages(files, { transport: "containerd", path: root() }, DEFAULT_LIMITS)
    );
  },
};

export default target;
