/**
 * The table of a merged tree's origins.
 *
 * @module
 */

import { encodeOrigins, Inode, NO_LAYER, readOrigins } from "../../../src/tree/mod.ts";
import { orRefused, Refused, type Target } from "../target.ts";

function start(): Uint8Array {
  const root = new Inode(0o040755);
  ["a", "b", "c"].forEach((name, layer) => {
    const file = new Inode(0o100644);
    file.origin = { layer, path: layer === 1 ? "else/where" : null };
    root.children!.set(name, file);
  });
  return encodeOrigins(root);
}

const target: Target = {
  name: "origins",
  starts: () => [start(), encodeOrigins(new Inode(0o040755))],
  words: ["Lor1"],
  run(bytes) {
    const origins = orRefused(() => readOrigins(bytes));
    if (origins instanceof Refused) return;
    for (const ino of [0, 1, 2, 255, 256, 257, 258, 259, 2 ** 16, 2 ** 31, 2 ** 32 - 1]) {
      const layer = origins.layer(ino);
      if (!(layer >= 0 && layer <= NO_LAYER)) throw new Error(`layer ${layer}`);
      const path = origins.path(ino);
      if (path !== undefined && path.at(-1) !== 0) throw new Error("a path without an end");
    }
  },
};

export default target;
