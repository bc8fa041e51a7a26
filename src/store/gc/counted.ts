/**
 * Stores that were made before layers had links to the objects that they share: brought up to date, once.
 *
 * @module
 */

import {
  AT_SYMLINK_NOFOLLOW,
  check,
  Fd,
  linkat,
  O_DIRECTORY,
  O_RDONLY,
  Stat,
  statx,
} from "../../linux/mod.ts";
import { listDirectory, readIfThere, syncDirectory } from "../atomic.ts";
import { COUNTED, readFormat, replaceFormat } from "../format.ts";
import type { Store } from "../store.ts";
import { contentsOf } from "./contents.ts";
import { walk } from "../walk.ts";

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
  using objects = Fd.open(store.layout.objects, O_RDONLY | O_DIRECTORY);
  const stat = new Stat();
  const shared = [...contentsOf(index)].filter((payload) =>
    statx(objects.n, payload, AT_SYMLINK_NOFOLLOW, stat) === 0 && !own.has(stat.ino)
  );
  if (shared.length === 0) return;
  using staging = store.staging();
  using links = Fd.open(staging.path, O_RDONLY | O_DIRECTORY);
  for (const [n, payload] of shared.entries()) {
    check(linkat(objects.n, payload, links.n, `${n}`), "link", `the object ${payload}`);
  }
  staging.moveTo(`${layer}/links`);
  syncDirectory(layer);
}
