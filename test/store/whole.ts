/**
 * What a store must be like once it is collected.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { AT_FDCWD, Stat, statx } from "../../src/linux/mod.ts";
import { contentsOf } from "../../src/store/gc/contents.ts";
import type { Store } from "../../src/store/mod.ts";

/** The objects in a store. */
export function objectsOf(store: Store): string[] {
  return [...Deno.readDirSync(store.layout.objects)].flatMap(({ name }) =>
    [...Deno.readDirSync(`${store.layout.objects}/${name}`)].map((entry) => `${name}/${entry.name}`)
  ).sort();
}

/** The objects that the layers of a store use. */
function neededObjects(store: Store): string[] {
  const all = store.layers.list().flatMap((diffId) => [
    ...contentsOf(Deno.readFileSync(store.layers.index(diffId))),
  ]);
  return [...new Set(all)].sort();
}

/** Every image in a store has its layers, and every layer its objects. */
export function checkImages(store: Store): void {
  for (const image of store.images.list()) {
    for (const { diffId } of image.layers) assert(store.layers.has(diffId), `layer ${diffId}`);
    assert(Deno.statSync(store.layout.tree(image.tree.digest)).isFile);
  }
  const objects = new Set(objectsOf(store));
  for (const payload of neededObjects(store)) assert(objects.has(payload), `object ${payload}`);
}

/** {@link checkImages}; and nothing is there that is not needed. */
export function checkWhole(store: Store): void {
  checkImages(store);
  assertEquals(objectsOf(store), neededObjects(store));
  assertEquals([...Deno.readDirSync(store.layout.tmp)], []);
  const stat = new Stat();
  for (const payload of objectsOf(store)) {
    assertEquals(statx(AT_FDCWD, `${store.layout.objects}/${payload}`, 0, stat), 0);
    assert(stat.nlink > 1, `${payload} has ${stat.nlink} links`);
  }
}
