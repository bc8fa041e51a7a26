// What a check finds, and what it does not.

import { assertEquals } from "@std/assert";
import { checkStore } from "../../src/store/fsck/check.ts";
import type { ImageRecord, Store } from "../../src/store/mod.ts";
import { Bed } from "../strategy/bed.ts";
import { available, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { directory, file, hardlink, symlink, type TarPiece } from "../support/tar.ts";

const content = (letter: string) => letter.repeat(9000);

/** A layer with one of everything. */
const BASE: TarPiece[] = [
  directory("d", { uid: 3, gid: 4, mode: 0o2755, xattrs: { "user.d": "1" } }),
  file("d/file", content("f"), { uid: 1, gid: 2, mode: 0o4750, mtimeText: "1700000000.123456789" }),
  file("d/caps", content("c"), { xattrs: { "user.x": "value" } }),
  file("d/small", "small"),
  file("d/empty", ""),
  file("d/one", content("1")),
  hardlink("d/two", "d/one"),
  symlink("d/link", "file", { uid: 7 }),
  { name: "d/null", type: "char", major: 1, minor: 3 },
  { name: "d/fifo", type: "fifo" },
  file("d/hidden", content("h")),
];
/** One above it: contents that the first has, a whiteout, an opaque directory, a hard link into the first layer. */
const ABOVE: TarPiece[] = [
  directory("e"),
  file("e/same", content("f"), { mtime: 5 }),
  file("e/own", content("o")),
  file("d/.wh.hidden", ""),
  directory("o"),
  file("o/.wh..wh..opq", ""),
  hardlink("e/linked", "d/one"),
];

async function found(store: Store, options = {}): Promise<string[]> {
  const lines: string[] = [];
  for await (const { kind, severity, path, images } of checkStore(store, options)) {
    const of = images.length === 0 ? "" : ` (${images.length})`;
    lines.push(`${severity === "damage" ? "" : "reclaimable "}${kind} ${path ?? ""}${of}`);
  }
  return lines.sort();
}

for (const kind of ["ext4", "xfs", "btrfs"] as LoopKind[]) {
  Deno.test({
    ...needs(`fsck on ${kind}`, notRoot(), available(kind)),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 400);
      const bed = new Bed(fs.path);
      const { store } = bed;
      const image: ImageRecord = await bed.image("one", [BASE, ABOVE]);
      const again = await bed.image("two", [BASE.map((piece) => ({ ...piece, mtime: 9 })), ABOVE]);
      store.chains.stack(again, "layered");
      const [base] = image.layers.map(({ diffId }) => store.layers.directory(diffId));
      await t.step("a store that is whole", async () => {
        assertEquals(await found(store), []);
        assertEquals(await found(store, { quick: true, images: [image.digest] }), []);
        assertEquals(await found(store, { threads: 2 }), []);
      });
      await t.step("a file that was written to", async () => {
        const path = `${base}/d/one`;
        const { mtime } = Deno.statSync(path);
        Deno.writeTextFileSync(path, content("2"));
        assertEquals(await found(store, { quick: true, images: [image.digest] }), [
          "entry-metadata /d/one (1)",
        ]);
        Deno.utimeSync(path, mtime!, mtime!);
        const kinds = (await found(store)).map((line) => line.split(" ")[0]);
        assertEquals(kinds.includes("object-content"), true, kinds.join());
        assertEquals(kinds.includes("entry-content"), true, kinds.join());
      });
    },
  });
}
