// One content in two layers, under other names, owners and times: how often it is on disk.

import { assert, assertEquals } from "@std/assert";
import { AT_FDCWD, Fd, fstatfs, O_DIRECTORY, O_RDONLY, Stat, statx } from "../../src/linux/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { loadPlugins } from "../../src/strategy/loader.ts";
import { release } from "../../src/strategy/release.ts";
import { Store } from "../../src/store/mod.ts";
import { type Inode, readErofs } from "../../src/tree/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { directory, file, makeTar } from "../support/tar.ts";
import { pullShared } from "../support/threads.ts";

const BYTES = 8 << 20;
const MIB = 1 << 20;
/** Nothing that a filesystem could compress. */
const CONTENT = new Uint8Array(BYTES);
for (let at = 0; at < BYTES; at += 65536) crypto.getRandomValues(CONTENT.subarray(at, at + 65536));

const ONE = makeTar([file("one", CONTENT, { uid: 1, gid: 2, mode: 0o600, mtime: 1000 })]);
const TWO = makeTar([
  directory("d"),
  file("d/two", CONTENT, { uid: 3, gid: 4, mode: 0o755, mtime: 2000 }),
  file("three", CONTENT, { mtime: 3000 }),
]);

/** Bytes in use. */
function used(path: string): number {
  using directory = Fd.open(path, O_RDONLY | O_DIRECTORY);
  const { blockSize, blocks, free } = fstatfs(directory.n);
  return (blocks - free) * blockSize;
}

for (const kind of ["xfs", "btrfs", "ext4"] as const) {
  Deno.test({
    ...needs(
      `${kind}: a content that layers share is stored once`,
      notRoot(),
      available(kind),
    ),
    async fn() {
      await using fs = await LoopFs.make(kind, 400);
      const layout = `${fs.path}/layout`;
      await writeOciLayout(layout, [
        { name: "one", layers: [ONE], compression: "none" },
        { name: "two", layers: [TWO], compression: "none" },
      ]);
      const store = Store.open(`${fs.path}/store`, { create: true });
      const one = await pullShared(store, `oci:${layout}:one`);
      store.sync();
      const before = used(fs.path);
      const two = await pullShared(store, `oci:${layout}:two`);
      store.sync();
      const grown = used(fs.path) - before;
      assert(grown < 2 * MIB, `grown by ${grown} bytes`);
      assertEquals(two.sharedBytes, 2 * BYTES);

      // One object for all, and each file as its layer has it.
      const objects = [one, two].flatMap(({ image }) =>
        payloads(readErofs(store.trees.load(image).image))
      );
      assertEquals(objects.length, 3);
      assertEquals(new Set(objects).size, 1);
      const path = (image: typeof one, name: string) =>
        `${store.layers.directory(image.layers[0].diffId)}/${name}`;
      const files: [string, number, number, number, number][] = [
        [path(one, "one"), 1, 2, 0o600, 1000],
        [path(two, "d/two"), 3, 4, 0o755, 2000],
        [path(two, "three"), 0, 0, 0o644, 3000],
      ];
      const stat = new Stat();
      for (const [name, ...expected] of files) {
        assertEquals(statx(AT_FDCWD, name, 0, stat), 0);
        assertEquals([stat.uid, stat.gid, stat.mode & 0o7777, stat.mtime], expected);
        assertEquals(stat.size, BYTES);
      }

      // What the layers do not hold themselves every strategy shows all the same.
      const { loaded: plugins } = await loadPlugins();
      for (const { name: strategy } of plugins) {
        if (strategy === "reflink" && kind === "ext4") continue;
        if (strategy === "btrfs-snapshot" && kind !== "btrfs") continue;
        const target = `${fs.path}/target`;
        const { id } = await compose(store, two.image, target, {
          plugins,
          strategy,
          isolation: "shared",
        });
        for (const file of ["d/two", "three"]) {
          assertEquals(Deno.readFileSync(`${target}/${file}`), CONTENT, `${file} by ${strategy}`);
        }
        await release(store, id, { plugins });
      }
    },
  });
}

function payloads(inode: Inode): string[] {
  const own = inode.payload === "" ? [] : [inode.payload];
  return [...own, ...[...inode.children?.values() ?? []].flatMap(payloads)];
}
