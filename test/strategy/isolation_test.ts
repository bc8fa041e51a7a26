import { assertEquals } from "@std/assert";
import { AT_FDCWD, check, linkat } from "../../src/linux/mod.ts";
import { compose, type ComposeOptions } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { Bed, builtInPlugins, NOTHING, ordinary } from "./bed.ts";

/** Does to everything below a directory what could reach the store. */
function wreck(path: string): void {
  for (const entry of [...Deno.readDirSync(path)]) {
    const at = `${path}/${entry.name}`;
    if (entry.isDirectory) {
      wreck(at);
      Deno.chmodSync(at, 0o711);
      continue;
    }
    if (entry.isSymlink || !entry.isFile) continue;
    Deno.writeTextFileSync(at, "appended", { append: true });
    Deno.chmodSync(at, 0o600);
    Deno.chownSync(at, 77, 77);
    Deno.utimeSync(at, 1, 1);
    const opened = Deno.openSync(at, { write: true });
    opened.writeSync(new TextEncoder().encode("OVERWRITTEN"));
    opened.truncateSync(4);
    opened.close();
    Deno.renameSync(at, `${at}.moved`);
  }
  Deno.writeTextFileSync(`${path}/new-file`, "new");
}

const ISOLATED: readonly { strategy: string; options: Partial<ComposeOptions> }[] = [
  ...["overlay", "composefs", "reflink", "copy"].map((strategy) => ({ strategy, options: {} })),
  { strategy: "overlay", options: { upper: { kind: "tmpfs", size: 1 << 26 } } },
  { strategy: "hardlink", options: { writable: [""] } },
];

for (const kind of ["xfs", "ext4"] as const) {
  Deno.test({
    ...needs(
      `isolation on ${kind}: nothing done in a composition reaches the store`,
      notRoot(),
      available(kind),
    ),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 512);
      const bed = new Bed(fs.path);
      const plugins = await builtInPlugins();
      const image = await bed.image("ordinary", ordinary());
      const { layers, objects } = bed.store.layout;
      const [before, objectsBefore] = [snapshot(layers), snapshot(objects)];
      for (const { strategy, options } of ISOLATED) {
        if (strategy === "reflink" && kind === "ext4") continue;
        await t.step(`${strategy} ${JSON.stringify(options)}`, async () => {
          const target = bed.target();
          const made = await compose(bed.store, image, target, { plugins, strategy, ...options });
          wreck(target);
          assertEquals(diffSnapshots(before, snapshot(layers)), []);
          for (const entry of [...Deno.readDirSync(target)]) {
            Deno.removeSync(`${target}/${entry.name}`, { recursive: true });
          }
          assertEquals(diffSnapshots(before, snapshot(layers)), []);
          assertEquals(diffSnapshots(objectsBefore, snapshot(objects)), []);
          await release(bed.store, made.id, { plugins });
          assertEquals(bed.leftovers(), NOTHING);
        });
      }
    },
  });
}

Deno.test({
  ...needs(
    "hardlink: what is listed as writable is isolated, the rest is shared",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 256);
    const bed = new Bed(fs.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const before = snapshot(bed.store.layout.layers);
    const target = bed.target();
    const made = await compose(bed.store, image, target, {
      plugins,
      strategy: "hardlink",
      writable: ["/etc", "var/lib/tool-three", "not/there"],
    });
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    wreck(`${target}/etc`);
    // One name of the group is listed, so that all of its names are copies.
    Deno.writeTextFileSync(`${target}/var/lib/tool-three`, "changed");
    assertEquals(Deno.readTextFileSync(`${target}/usr/bin/tool`), "changed");
    assertEquals(diffSnapshots(before, snapshot(bed.store.layout.layers)), []);
    // Two in etc/ and the group are copied; what is in neither is the store's.
    assertEquals(made.notes.copied, 4);
    assertEquals(Deno.statSync(`${target}/var/lib/state`).nlink! > 1, true);
    await release(bed.store, target, { plugins });
    assertEquals(bed.leftovers(), NOTHING);
  },
});

Deno.test({
  ...needs(
    "hardlink: an inode with all the links that it can have is copied",
    notRoot(),
    available("ext4"),
  ),
  async fn() {
    await using fs = await LoopFs.make("ext4", 256);
    const bed = new Bed(fs.path);
    const plugins = await builtInPlugins();
    const image = await bed.image("ordinary", ordinary());
    const [layer] = image.layers;
    const own = bed.store.layers.directory(layer.diffId);
    const links = `${fs.path}/links`;
    Deno.mkdirSync(links);
    // ext4 allows 65,000. A file alone is linked up to the last; a group is copied while all of it would still go.
    for (const [name, leave] of [["etc/config", 0], ["usr/bin/tool", 2]] as const) {
      const key = name.replaceAll("/", "-");
      for (let i = Deno.statSync(`${own}/${name}`).nlink!; i < 65_000 - leave; i++) {
        check(linkat(AT_FDCWD, `${own}/${name}`, AT_FDCWD, `${links}/${key}-${i}`), "linkat", name);
      }
    }
    const target = bed.target();
    const made = await compose(bed.store, image, target, {
      plugins,
      strategy: "hardlink",
      access: "ro",
    });
    assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
    assertEquals([made.notes.copied, made.notes.hardLinks], [2, 2]);
    assertEquals(Deno.statSync(`${target}/usr/bin/tool`).nlink, 3);
    await release(bed.store, made.id, { plugins });
  },
});
