import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { LaminaError } from "../../src/error.ts";
import type { ImageRecord } from "../../src/store/mod.ts";
import { compose, type ComposeOptions, type ComposeResult } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, hardlink, symlink, type TarPiece } from "../support/tar.ts";
import { Bed, builtInPlugins, NOTHING } from "./bed.ts";
import { POINTS } from "./keeping_child.ts";

const CHILD = fromFileUrl(new URL("./keeping_child.ts", import.meta.url));

function pieces(): TarPiece[] {
  const pieces = [directory("d"), symlink("l", "d/f1")];
  // Some are cloned, some are copied.
  for (let i = 0; i < 20; i++) pieces.push(file(`d/f${i}`, `${i}`.repeat(i * 500)));
  return [...pieces, hardlink("h", "d/f1")];
}

function run(program: string, ...args: string[]): string {
  const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  if (!success) throw new Error(`${program}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/** A store on btrfs with one image, and what one does with it. */
class Place {
  readonly bed: Bed;
  readonly image: ImageRecord;

  private constructor(bed: Bed, image: ImageRecord) {
    this.bed = bed;
    this.image = image;
  }

  static async make(path: string): Promise<Place> {
    const bed = new Bed(path);
    return new Place(bed, await bed.image("small", [pieces()]));
  }

  get kept(): string {
    return this.bed.store.layout.keptOf(this.image.tree.digest);
  }

  async compose(options: Partial<ComposeOptions> = {}, target = this.bed.target()) {
    const plugins = await builtInPlugins();
    const all = { plugins, strategy: "btrfs-snapshot", ...options };
    return await compose(this.bed.store, this.image, target, all);
  }

  async release({ id }: ComposeResult) {
    return await release(this.bed.store, id, { plugins: await builtInPlugins() });
  }

  /** What a target has that the image has not, and the other way round. */
  difference(target: string): unknown[] {
    return diffSnapshots(this.bed.expected(this.image), snapshot(target));
  }
}

Deno.test({
  ...needs("btrfs-snapshot: compositions, their subvolume, and release", available("btrfs")),
  async fn(t) {
    await using fs = await LoopFs.make("btrfs", 512);
    const place = await Place.make(fs.path);
    const { bed } = place;

    await t.step("the first one makes the subvolume, later ones find it", async () => {
      const made = [await place.compose(), await place.compose({ access: "ro" })];
      assertEquals(made.map(({ notes }) => notes.subvolume), ["made", "kept"]);
      for (const { target } of made) assertEquals(place.difference(target), []);
      for (const one of made) {
        const { bytes } = await place.release(one);
        assert(bytes < 10_000, `all it had for itself is its record, not ${bytes} bytes`);
      }
      assertEquals(bed.leftovers(), NOTHING);
    });

    await t.step("what is written to one is in no other, and not in the store", async () => {
      const [one, other] = [await place.compose(), await place.compose()];
      Deno.writeTextFileSync(`${one.target}/d/f7`, "changed");
      Deno.removeSync(`${one.target}/d/f8`);
      Deno.chmodSync(`${one.target}/d`, 0o700);
      const later = await place.compose();
      for (const { target } of [other, later]) assertEquals(place.difference(target), []);
      for (const composed of [one, other, later]) await place.release(composed);
    });

    await t.step("one for readers cannot be written", async () => {
      const made = await place.compose({ access: "ro" });
      assertThrows(() => Deno.writeTextFileSync(`${made.target}/new`, ""), Error, "os error 30");
      await place.release(made);
    });

    await t.step("a target that was there is there again, with its mode", async () => {
      const target = bed.target();
      Deno.mkdirSync(target);
      Deno.chmodSync(target, 0o2750);
      const made = await place.compose({}, target);
      assertEquals(Deno.statSync(target).ino, 256, "the root of a subvolume");
      await place.release(made);
      assertEquals(Deno.statSync(target).mode! & 0o7777, 0o2750);
      assert(Deno.statSync(target).ino !== 256);
      Deno.removeSync(target);
    });

    await t.step("subvolumes that were made in it go with it", async () => {
      const made = await place.compose();
      const inner = `${made.target}/d/inner`;
      run("btrfs", "subvolume", "create", inner);
      Deno.writeTextFileSync(`${inner}/file`, "");
      await place.release(made);
      assertEquals(bed.leftovers(), NOTHING);
    });

    await t.step("a mount in it is in the way, and nothing is lost", async () => {
      const made = await place.compose();
      const inner = `${made.target}/d`;
      run("mount", "-t", "tmpfs", "x", inner);
      Deno.writeTextFileSync(`${inner}/precious`, "x");
      await assertRejects(() => place.release(made), LaminaError, "EBUSY");
      assertEquals(Deno.readTextFileSync(`${inner}/precious`), "x");
      run("umount", inner);
      assertEquals(place.difference(made.target), []);
      await place.release(made);
      assertEquals(bed.leftovers(), NOTHING);
    });

    await t.step("what is kept can be removed as any directory, and is made again", async () => {
      const made = await place.compose();
      run("rm", "-r", place.kept);
      assertEquals(place.difference(made.target), []);
      const other = await place.compose();
      assertEquals(other.notes.subvolume, "made");
      for (const composed of [made, other]) await place.release(composed);
    });

    await t.step("many at once make one subvolume", async () => {
      run("rm", "-r", place.kept);
      const made = await Promise.all(Array.from({ length: 4 }, () => place.compose()));
      assertEquals(made.filter(({ notes }) => notes.subvolume === "made").length, 1);
      for (const { target } of made) assertEquals(place.difference(target), []);
      for (const composed of made) await place.release(composed);
    });

    await t.step("where only directories will do, it is chosen, the first time too", async () => {
      run("rm", "-r", place.kept);
      const made = await place.compose({ strategy: "auto", result: "directory", explain: true });
      const row = (name: string) => made.rows.find((one) => one.name === name)!;
      assertEquals(row("btrfs-snapshot").eligible, true);
      const later = await place.compose({ strategy: "auto", result: "directory", explain: true });
      const estimates = [made, later].map(({ rows }) =>
        rows.find(({ name }) => name === "btrfs-snapshot")!.estimateMs!
      );
      assert(made.strategy !== "btrfs-snapshot" || estimates[1] < estimates[0]);
      for (const composed of [made, later]) await place.release(composed);
    });

    for (const point of POINTS) {
      await t.step(`kill -9 at "${point}": the next composition is whole`, async () => {
        Deno.mkdirSync(place.kept, { recursive: true });
        run("rm", "-r", place.kept);
        const args = [bed.store.root, place.image.digest, bed.target(), "btrfs-snapshot", point];
        const { signal } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--quiet", CHILD, ...args],
        }).output();
        assertEquals(signal, "SIGKILL");
        const made = await place.compose();
        const kept = point === "kept" || point === "rmdir";
        assertEquals(made.notes.subvolume, kept ? "kept" : "made");
        assertEquals(place.difference(made.target), []);
        await place.release(made);
        assertEquals(bed.leftovers(), NOTHING);
        const subvolumes = run("btrfs", "subvolume", "list", fs.path).trim().split("\n");
        assertEquals(subvolumes.length, 1, "only the one that is kept");
      });
    }
  },
});

Deno.test({
  ...needs("btrfs-snapshot: not between two filesystems", available("btrfs")),
  async fn() {
    await using fs = await LoopFs.make("btrfs", 512);
    await using other = await LoopFs.make("btrfs", 512);
    const place = await Place.make(fs.path);
    const target = `${other.path}/target`;
    await assertRejects(() => place.compose({}, target), LaminaError, "two filesystems");
    assertEquals([...Deno.readDirSync(other.path)], []);
  },
});
