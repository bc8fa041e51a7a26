/**
 * Merging layers: against the model, in parts, as a stack of overlay directories, and through an image.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  countLinks,
  type Inode,
  mergeLayers,
  type Part,
  plainStack,
  readErofs,
  S_IFLNK,
  S_IFMT,
  splitTree,
  writeErofs,
} from "../../../src/tree/mod.ts";
import { describeTree } from "../../tree/arbitrary.ts";
import { Choices, Random } from "../random.ts";
import { orRefused, Refused, type Target, textOf } from "../target.ts";
import { layersOf } from "./layers.ts";
import { Model, NotMerged } from "./merge_model.ts";

/** A tree by paths, with the number of names of each file. */
function shown(root: Inode): Record<string, string> {
  const lines: [string, string][] = [];
  const visit = (path: string, inode: Inode) => {
    lines.push([path, inode.children === null ? leaf(inode) : directory(inode)]);
    for (const [name, child] of inode.children ?? []) {
      visit(path === "" ? name : `${path}/${name}`, child);
    }
  };
  visit("", root);
  return Object.fromEntries(lines.sort(([a], [b]) => a < b ? -1 : 1));
}

function directory(inode: Inode): string {
  const marks = [...inode.xattrs?.keys() ?? []];
  if (marks.length > 0) throw new Error(`a merged tree has ${marks}`);
  return `directory ${(inode.mode & 0o7777).toString(8)}`;
}

function leaf(inode: Inode): string {
  if ((inode.mode & S_IFMT) === S_IFLNK) return `-> ${inode.target}`;
  return `file ${textOf(inode.content!)} of ${inode.origin!.layer + 1}`;
}

/** As {@link shown}, and which names are one inode: what strategies make of a tree. */
function groups(root: Inode): Record<string, string> {
  countLinks(root);
  const first = new Map<Inode, string>();
  const lines: [string, string][] = [];
  const visit = (path: string, inode: Inode) => {
    const before = first.get(inode);
    first.set(inode, before ?? path);
    const { mode, target, nlink } = inode;
    const text = inode.content === null ? "" : textOf(inode.content);
    const what = inode.children === null ? `${mode} ${target} ${text} ${nlink}` : `${mode}`;
    lines.push([path, before === undefined ? what : `= ${before}`]);
    for (const name of [...inode.children?.keys() ?? []].sort()) {
      visit(`${path}/${name}`, inode.children!.get(name)!);
    }
  };
  visit("", root);
  return Object.fromEntries(lines);
}

function model(layers: readonly Inode[]): Model | undefined {
  const model = new Model();
  try {
    for (const layer of layers) model.add(layer);
    return model;
  } catch (error) {
    if (error instanceof NotMerged) return undefined;
    throw error;
  }
}

/** A way to cut that many layers into parts. */
function partsOf(layers: number, cuts: number): Part[] {
  const parts: Part[] = [];
  for (let from = 0, to = 1; to <= layers; to++) {
    if (to < layers && (cuts >> to & 1) === 0) continue;
    parts.push({ from, to });
    from = to;
  }
  return parts;
}

const target: Target = {
  name: "merge",
  starts: () => {
    const random = new Random(1);
    return Array.from({ length: 20 }, () => Uint8Array.from({ length: 120 }, () => random.u32()));
  },
  short: 500,
  run(input) {
    if (input.length > 2000) return;
    const layers = () => layersOf(new Choices(input));
    const expected = model(layers());
    const merged = orRefused(() => mergeLayers(layers()));
    if (expected?.unclear) return;
    assertEquals(merged instanceof Refused, expected === undefined);
    if (merged instanceof Refused) return;
    assertEquals(shown(merged.root), expected!.shown());
    const { root, fixup } = merged;
    const tree = groups(root);

    const stack = layers();
    if (fixup !== undefined) {
      // What the fixup has of the layers are their own inodes.
      const again = stack.slice();
      const { fixup: own } = mergeLayers(again);
      assertEquals(groups(plainStack([...again, own!])), tree);
    } else assertEquals(groups(plainStack(stack)), tree);

    const parts = [...splitTree(layers(), partsOf(stack.length, input.at(-1) ?? 0))]
      .map((part) => readErofs(writeErofs(part)));
    assertEquals(groups(mergeLayers(parts).root), tree);

    assertEquals(describeTree(readErofs(writeErofs(root))), describeTree(root));
  },
};

export default target;
