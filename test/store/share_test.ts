// What layers have for themselves is shared after the fact: nothing changes but what it takes.

import { assert, assertEquals } from "@std/assert";
import { Fd, fgetxattr, fremovexattr, O_RDONLY } from "../../src/linux/mod.ts";
import { shareContents } from "../../src/store/gc/share.ts";
import { checkStore } from "../../src/store/fsck/check.ts";
import { collect } from "../../src/store/gc/collect.ts";
import { Store } from "../../src/store/mod.ts";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, hardlink, type TarPiece } from "../support/tar.ts";
import { usedBytes } from "../support/used.ts";
import { Bed, builtInPlugins } from "../strategy/bed.ts";
import { killed } from "./killed.ts";
import { checkWhole } from "./whole.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const FILES = 60;

function random(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 65536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + 65536)));
  }
  return bytes;
}

const big = random(3 * MIB);
const middle = Array.from({ length: FILES }, (_, i) => random(20 * KIB + i));

function pieces(mtime: number): TarPiece[] {
  return [
    directory("d", { mtime, mode: 0o2750, gid: 7, xattrs: { "user.d": "x" } }),
    ...middle.map((bytes, i) => file(`d/f${i}`, bytes, { mtime: mtime + i, mode: 0o4711, uid: i })),
    file("d/big", big, { mtime, xattrs: { "user.x": "1" } }),
    hardlink("d/again", "d/big"),
    file("tiny", "t".repeat(100), { mtime }),
    file("d/.wh.gone", ""),
  ];
}

/** Gives every file of a layer its own content, as it is where nothing could be shared. */
function unshare(store: Store, diffId: string): void {
  const layer = store.layout.layer(diffId);
  const value = new Uint8Array(100);
  const visit = (path: string) => {
    for (const { name, isDirectory, isFile } of [...Deno.readDirSync(path)]) {
      const at = `${path}/${name}`;
      if (isDirectory) visit(at);
      if (!isFile) continue;
      const { mtime, mode } = Deno.statSync(at);
      using fd = Fd.open(at, O_RDONLY);
      const length = fgetxattr(fd.n, "trusted.overlay.redirect", value);
      const source = length < 0
        ? at
        : `${layer}/links${new TextDecoder().decode(value.subarray(0, length))}`;
      const content = Deno.readFileSync(source);
      if (length >= 0) {
        fremovexattr(fd.n, "trusted.overlay.redirect");
        fremovexattr(fd.n, "trusted.overlay.metacopy");
      }
      using file = Deno.openSync(at, { write: true });
      file.writeSync(content);
      // A write takes set-id bits away.
      Deno.chmodSync(at, mode! & 0o7777);
      Deno.utimeSync(at, mtime!, mtime!);
    }
  };
  visit(`${layer}/fs`);
  const record = JSON.parse(Deno.readTextFileSync(`${layer}/layer.json`));
  Deno.writeTextFileSync(`${layer}/layer.json`, JSON.stringify({ ...record, metacopies: 0 }));
}

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(`gc --share on ${kind}`, notRoot(), available(kind)),
    async fn() {
      await using fs = await LoopFs.make(kind, 400);
      const bed = new Bed(fs.path);
      const { store } = bed;
      await bed.image("one", [pieces(1000)]);
      const two = await bed.image("two", [pieces(2000)]);
      const [{ diffId }] = two.layers;
      const nothing = { files: 0, bytes: 0, inUse: [], different: [] };
      const method = kind === "ext4" ? "metacopy" : "extents";
      assertEquals(await shareContents(store), { dryRun: false, method, ...nothing });

      const options = { plugins: await builtInPlugins(), strategy: "overlay" } as const;
      const assertShown = async () => {
        const made = await compose(store, two, bed.target(), options);
        assertEquals(diffSnapshots(bed.expected(two), snapshot(made.target)), []);
        await release(store, made.id, options);
      };
      const shared = usedBytes(fs.path);
      unshare(store, diffId);
      await assertShown();
      const apart = usedBytes(fs.path);
      assert(apart - shared > 4 * MIB, `${apart - shared} apart`);

      // Where a composition would notice, its layers are left alone.
      const made = await compose(store, two, bed.target(), options);
      const beside = await shareContents(store, { dryRun: kind !== "ext4" });
      assertEquals(beside.inUse, kind === "ext4" ? [diffId] : []);
      if (kind === "ext4") assertEquals(beside.files, 0);
      assertEquals(diffSnapshots(bed.expected(two), snapshot(made.target)), []);
      await release(store, made.id, options);

      const expected = await shareContents(store, { dryRun: true });
      assert(expected.files >= FILES + 1, `${expected.files} files`);
      // A content that somebody has changed stays, and is told.
      const other = `${store.layers.directory(diffId)}/d/f7`;
      const stat = Deno.statSync(other);
      const bytes = middle[7].slice();
      bytes[9]++;
      const write = (bytes: Uint8Array) => {
        using file = Deno.openSync(other, { write: true });
        file.writeSync(bytes);
        Deno.chmodSync(other, stat.mode! & 0o7777);
        Deno.utimeSync(other, stat.mtime!, stat.mtime!);
      };
      write(bytes);
      const first = await shareContents(store);
      assertEquals([first.files, first.different], [expected.files - 1, [diffId]]);
      assertEquals(Deno.readFileSync(other), bytes);
      write(middle[7]);
      const last = await shareContents(store);
      assertEquals([last.files, last.different], [1, []]);
      assertEquals(await shareContents(store), { dryRun: false, method, ...nothing });

      const saved = apart - usedBytes(fs.path);
      const said = first.bytes + last.bytes;
      assert(Math.abs(saved - said) < 300 * KIB, `${saved} saved, ${said} said`);
      await assertShown();
      checkWhole(store);
      assertEquals(await Array.fromAsync(checkStore(store)), []);
      // The counts are still right.
      store.names.remove("one");
      await collect(store);
      await assertShown();
      checkWhole(store);
    },
  });
}

Deno.test({
  ...needs("gc --share: kill -9 anywhere", notRoot(), available("ext4"), lacks("strace")),
  async fn() {
    await using fs = await LoopFs.make("ext4", 200);
    const bed = new Bed(fs.path);
    await bed.image("one", [pieces(1000)]);
    const two = await bed.image("two", [pieces(2000)]);
    unshare(bed.store, two.layers[0].diffId);
    const options = { plugins: await builtInPlugins(), strategy: "overlay" } as const;
    for (const [call, nth] of [["linkat", 40], ["renameat2", 1], ["unlinkat", 60]] as const) {
      const root = `${fs.path}/${call}`;
      const { success } = await new Deno.Command("cp", { args: ["-a", bed.store.root, root] })
        .output();
      assert(success);
      assert(await killed(call, nth, "gc_child.ts", root, "share"), `killed at ${call}`);
      const store = Store.open(root);
      const made = await compose(store, two, bed.target(), options);
      assertEquals(diffSnapshots(bed.expected(two), snapshot(made.target)), []);
      await release(store, made.id, options);
      await shareContents(store);
      assertEquals((await shareContents(store)).files, 0);
      await collect(store);
      checkWhole(store);
      Deno.removeSync(root, { recursive: true });
    }
  },
});
