/**
 * Stores that were made before layers had links to the objects that they share: brought up to date, once.
 *
 * @module
 */

import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  Fd,
  O_DIRECTORY,
  O_RDONLY,
  removeTree,
  Stat,
  statx,
} from "../../linux/mod.ts";
import { Objects } from "../../layer/objects.ts";
import { listDirectory, readIfThere, renameNew, syncDirectory } from "../atomic.ts";
import { COUNTED, readFormat, replaceFormat } from "../format.ts";
import type { Store } from "../store.ts";
import { contentsOf } from "./contents.ts";
import { walk } from "./walk.ts";

/**
 * Gives every layer of an older store its links to the objects that it shares, and notes that objects may be removed by their link counts
 * from now on. A look at everything the first time, nothing afterwards. Hold the store alone.
 */
export function countObjects(store: Store): void {
  const { layout } = store;
  const format = readFormat(layout.format)!;
  if (format["ro-compat"].includes(COUNTED)) return;
  for (const diffId of store.layers.list()) countLayer(store, layout.layer(diffId));
  store.sync();
  const features = [...format["ro-compat"], COUNTED];
  replaceFormat(layout.format, { ...format, "ro-compat": features }, layout.tmp);
}

/** A layer that has links has all of them: they enter at once. */
function countLayer(store: Store, layer: string): void {
  const index = readIfThere(`${layer}/index.erofs`);
  if (index === undefined || listDirectory(layer).includes("links")) return;
  const own = new Set<number>();
  walk(`${layer}/fs`, (_dir, _name, stat) => void own.add(stat.ino));
  const staging = `${store.layout.tmp}/${crypto.randomUUID()}`;
  Deno.mkdirSync(staging, { mode: 0o700 });
  try {
    using directory = Fd.open(store.layout.objects, O_RDONLY | O_DIRECTORY);
    using objects = new Objects(store.layout.objects, staging, store.native);
    const stat = new Stat();
    for (const payload of contentsOf(index)) {
      if (statx(directory.n, payload, AT_SYMLINK_NOFOLLOW, stat) < 0) continue;
      if (!own.has(stat.ino)) objects.count(payload);
    }
    if (!listDirectory(staging).includes("links")) return;
    renameNew(`${staging}/links`, `${layer}/links`);
    syncDirectory(layer);
  } finally {
    removeTree(AT_FDCWD, staging);
  }
}
