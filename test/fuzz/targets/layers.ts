/**
 * Layers' trees out of choices.
 *
 * @module
 */

import { Inode, S_IFCHR, S_IFDIR, S_IFLNK, S_IFREG } from "../../../src/tree/inode.ts";
import { HARDLINK, IMPLIED, OPAQUE } from "../../../src/tree/marks.ts";
import type { Choices } from "../random.ts";
import { bytesOf } from "../target.ts";

/** Few, so that entries meet. */
const NAMES = ["a", "b", "c", "l"];
const TARGETS = [
  ...[
    "a",
    "b",
    "l",
    "/a/b",
    "../b",
    "..",
    ".",
    "/",
    "l/a",
    "a/../b",
    "none",
    "/l",
    "c/c",
    "../../c",
  ],
  ...["l/l/l/l", "/b/", "a//b/."],
];

function anyPath(choices: Choices): string {
  return Array.from({ length: 1 + choices.below(3) }, () => choices.pick(NAMES)).join("/");
}

function withXattr(inode: Inode, key: string, value = ""): Inode {
  inode.xattrs = new Map([[key, bytesOf(value)]]);
  return inode;
}

const implied = () => withXattr(new Inode(S_IFDIR | 0o755), IMPLIED);

/** Layers, lowest first; the same choices always give equal layers. Files are told apart by their content. */
export function layersOf(choices: Choices): Inode[] {
  const layers: Inode[] = [];
  for (let left = 1 + choices.below(4); left > 0; left--) {
    layers.push(oneLayer(choices, layers.length));
  }
  return layers;
}

function oneLayer(choices: Choices, index: number): Inode {
  const root = choices.below(3) === 0 ? new Inode(S_IFDIR | 0o700 + index) : implied();
  for (let left = choices.below(10); left > 0; left--) {
    const parts = anyPath(choices).split("/");
    const name = parts.pop()!;
    let directory: Inode | undefined = root;
    for (const part of parts) {
      const next: Inode | undefined = directory.children!.get(part);
      if (next === undefined) directory.children!.set(part, directory = implied());
      else if (next.children === null) directory = undefined;
      else directory = next;
      if (directory === undefined) break;
    }
    if (directory !== undefined) put(directory.children!, name, root, choices, `${index}.${left}`);
  }
  sortEntries(root);
  return root;
}

function put(
  into: Map<string, Inode>,
  name: string,
  root: Inode,
  choices: Choices,
  id: string,
): void {
  const file = new Inode(S_IFREG | 0o644);
  switch (choices.below(9)) {
    case 0:
      into.set(name, new Inode(S_IFCHR));
      return;
    case 1: {
      const link = new Inode(S_IFLNK | 0o777);
      link.target = choices.pick(TARGETS);
      into.set(name, link);
      return;
    }
    case 2:
    case 3: {
      const directory = new Inode(S_IFDIR | choices.pick([0o755, 0o711, 0o1777]));
      directory.children = into.get(name)?.children ?? directory.children;
      into.set(name, directory);
      return;
    }
    case 4:
      into.set(name, withXattr(new Inode(S_IFDIR | 0o750), OPAQUE, "y"));
      return;
    case 5:
      into.set(name, withXattr(new Inode(S_IFREG), HARDLINK, anyPath(choices)));
      return;
    case 6: {
      const other = root.children!.get(choices.pick(NAMES));
      if (other !== undefined && other.children === null && other.target === "") {
        into.set(name, other);
      }
      return;
    }
  }
  file.content = bytesOf(id);
  file.size = id.length;
  into.set(name, file);
}

/** Puts entries in the order in which they are read from an image. */
function sortEntries(directory: Inode): void {
  directory.children = new Map([...directory.children!].sort(([a], [b]) => a < b ? -1 : 1));
  for (const inode of directory.children.values()) if (inode.children !== null) sortEntries(inode);
}
