/**
 * The readers of composefs images: what they accept they see alike, and written again it reads the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import {
  erofsFormat,
  ErofsView,
  type Inode,
  readErofs,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  writeErofs,
  writeRawErofs,
} from "../../../src/tree/mod.ts";
import { anyTree, describeTree } from "../../tree/arbitrary.ts";
import { orRefused, Refused, type Target } from "../target.ts";

/** Where the superblock is, and in it the number of blocks. */
const BLOCKS = 1024 + 36;
const FIRST_INODE = 1152;

/** Makes the length what the superblock says that it is. */
function mend(image: Uint8Array): Uint8Array {
  if (image.length < FIRST_INODE) return image;
  const out = new Uint8Array(Math.ceil(image.length / 4096) * 4096);
  out.set(image);
  new DataView(out.buffer).setUint32(BLOCKS, out.length / 4096, true);
  return out;
}

/** Walks through all that a view shows; returns how many entries that are. */
function walk(view: ErofsView): number {
  let entries = 0;
  let bytes = 0;
  const visit = (nid: number): void => {
    entries++;
    const type = view.mode(nid) & S_IFMT;
    view.uid(nid) + view.gid(nid) + view.rdev(nid) + view.nlink(nid) + view.ino(nid);
    view.mtime(nid) + view.nsec(nid) + view.size(nid);
    view.hasXattrs(nid);
    view.xattrs(nid, (key, value) => bytes += key.length + value.length);
    if (type === S_IFREG) {
      bytes += view.inline(nid)?.length ?? 0;
      bytes += view.object(nid)?.length ?? 0;
      bytes += view.digest(nid)?.length ?? 0;
    } else if (type === S_IFLNK) bytes += view.linkTarget(nid).length;
    else if (type === S_IFDIR) {
      const inside: number[] = [];
      view.entries(nid, (child) => inside.push(child));
      inside.forEach(visit);
    }
  };
  visit(view.rootNid);
  return entries;
}

function count(inode: Inode): number {
  let sum = 1;
  for (const child of inode.children?.values() ?? []) sum += count(child);
  return sum;
}

const target: Target = {
  name: "erofs",
  starts: () => {
    const trees = fc.sample(anyTree(undefined, 12), { seed: 2, numRuns: 12 });
    return trees.flatMap((tree, i) => [
      writeErofs(tree, { format: i % 2 === 0 ? "v0" : "v1" }),
      ...(i % 4 === 0 ? [writeRawErofs(tree)] : []),
    ]);
  },
  words: [
    ...["trusted.", "overlay.metacopy", "overlay.redirect", "overlay.opaque", "overlay.overlay."],
    ...["overlay.whiteout", "overlay.whiteouts", "user.", ".", "..", "\x00\x24\x00\x01"],
  ],
  mend,
  mutate(image, random) {
    // Most of an image are stubs and zeros: look for what is neither.
    const last = image.findLastIndex((byte) => byte !== 0);
    if (last < FIRST_INODE) return undefined;
    const from = random.pick([1024, FIRST_INODE, FIRST_INODE, Math.max(FIRST_INODE, last - 4096)]);
    const at = from + random.below(Math.min(1024, last - from + 1));
    const copy = image.slice();
    copy[at] = random.oneIn(2) ? copy[at] ^ (1 << random.below(8)) : random.below(256);
    return copy;
  },
  run(image) {
    const seen = orRefused(() => walk(new ErofsView(image)));
    const tree = orRefused(() => readErofs(image));
    if (tree instanceof Refused) return;
    if (!(seen instanceof Refused)) assertEquals(seen, count(tree));
    const written = orRefused(() => writeErofs(tree, { format: erofsFormat(image) }));
    if (written instanceof Refused) return;
    assertEquals(describeTree(readErofs(written)), describeTree(tree));
  },
};

export default target;
