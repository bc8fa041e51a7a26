import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { compose } from "../../src/strategy/compose.ts";
import { release } from "../../src/strategy/release.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { directory, file, type TarPiece } from "../support/tar.ts";
import { needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { Bed } from "./bed.ts";
import { killable, POINTS } from "./killed_child.ts";

const CHILD = fromFileUrl(new URL("./killed_child.ts", import.meta.url));

Deno.test({
  ...needs("kill -9 anywhere in compose and release: the next command clears up", notRoot()),
  async fn(t) {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const pieces: TarPiece[] = [directory("d")];
    for (let i = 0; i < 20; i++) pieces.push(file(`d/f${i}`, `${i}`.repeat(100)));
    const image = await bed.image("small", [pieces]);
    const plugins = [killable(() => {})];
    for (const existing of [false, true]) {
      for (const point of POINTS) {
        await t.step(`${point}, target ${existing ? "there" : "made"}`, async () => {
          const target = bed.target();
          if (existing) Deno.mkdirSync(target, { mode: 0o750 });
          const upper = `${temp.path}/upper`;
          // A verdict that is remembered would spare the probe.
          for (const { name } of Deno.readDirSync(bed.store.layout.cache)) {
            Deno.removeSync(`${bed.store.layout.cache}/${name}`);
          }
          const args = [
            "run",
            "-A",
            "--quiet",
            CHILD,
            bed.store.root,
            image.digest,
            target,
            point,
            upper,
          ];
          const { signal } = await new Deno.Command(Deno.execPath(), { args }).output();
          assertEquals(signal, "SIGKILL");
          assert(bed.leftovers().records.length === 1, "the record is there before anything else");
          // Any composition clears up first, wherever it goes itself.
          const other = await compose(bed.store, image, bed.target(), { plugins });
          assertEquals(diffSnapshots(bed.expected(image), snapshot(other.target)), []);
          await release(bed.store, other.id, { plugins });
          const { records, directories } = bed.leftovers();
          assertEquals(records, []);
          assertEquals(directories, existing ? [target] : []);
          assertEquals([...Deno.readDirSync(upper)], []);
          if (!existing) return;
          assertEquals(Deno.statSync(target).mode! & 0o7777, 0o750);
          assertEquals([...Deno.readDirSync(target)], []);
          Deno.removeSync(target);
        });
      }
    }
  },
});
