/**
 * Which content objects a layer uses, by its index.
 *
 * @module
 */

import { byteString } from "../../tree/latin1.ts";
import { ErofsView, S_IFDIR, S_IFREG } from "../../tree/mod.ts";

const PAYLOAD = /^[0-9a-f]{2}\/[0-9a-f]{62}$/;

/**
 * The objects of a layer, each once, as paths below the directory of objects.
 *
 * @param index The bytes of its `index.erofs`.
 * @throws {LaminaError} `invalid` for what is no index.
 */
export function contentsOf(index: Uint8Array): Set<string> {
  const view = new ErofsView(index);
  const contents = new Set<string>();
  const pending = [view.rootNid];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    view.entries(at, (nid, type) => {
      if (type === S_IFDIR) pending.push(nid);
      if (type !== S_IFREG) return;
      const object = view.object(nid);
      if (object === null) return;
      const payload = byteString(object, 0, object.indexOf(0));
      // The index says which files are removed: nothing but an object's own name may come of it.
      if (PAYLOAD.test(payload)) contents.add(payload);
    });
  }
  return contents;
}
