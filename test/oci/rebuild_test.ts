import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { pull } from "../../src/oci/pull.ts";
import { Store } from "../../src/store/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { lacks, needs } from "../support/root.ts";
import { directory, file, makeTar, whiteout } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { run } from "./support.ts";

const MOD = fromFileUrl(new URL("../../mod.ts", import.meta.url));
const CONFIG = fromFileUrl(new URL("../../deno.json", import.meta.url));

Deno.test({
  ...needs(
    "a rebuild opens no known layer's blob and touches nothing of the layer; what it brings is durable before others find it",
    lacks("strace"),
  ),
  async fn() {
    using work = new TempDir();
    const layout = `${work.path}/layout`;
    const base = makeTar([
      directory("etc"),
      file("etc/a", "a".repeat(9000)),
      file("etc/b", "b".repeat(8000)),
    ]);
    const next = makeTar([whiteout("etc/b"), file("etc/c", "c".repeat(7000))]);
    const [, rebuilt] = await writeOciLayout(layout, [
      { name: "app", layers: [base, makeTar([file("app", "app".repeat(3000))])] },
      { name: "next", layers: [base, next] },
    ]);
    const store = Store.open(`${work.path}/store`, { create: true });
    await pull(store, `oci:${layout}:app`);
    const known = store.layout.layer(rebuilt.diffIds[0]);
    const before = changes(known);

    const log = `${work.path}/strace`;
    const lamina = [Deno.execPath(), "run", "-A", "--config", CONFIG, MOD, "--root", store.root];
    await run(
      "strace",
      "-f",
      "-y",
      "-o",
      log,
      "-e",
      "trace=%file,%desc",
      ...lamina,
      "pull",
      `oci:${layout}:next`,
    );
    // Of paths in full and of those below a descriptor alike: what is called with success, and is below the layer.
    const calls = Deno.readTextFileSync(log).split("\n").filter((line) => !/ = -1 /.test(line));
    const touched = new Set(calls.flatMap((line) => {
      const at = line.indexOf(`${known}/`);
      return at === -1 ? [] : [line.slice(at + known.length + 1).split(/[">]/)[0]];
    }));
    assertEquals([...touched].sort(), ["index.erofs", "layer.json"]);
    const hex = rebuilt.layers[0].digest.slice(7);
    assertEquals(calls.filter((line) => /open/.test(line) && line.includes(hex)), []);
    // The log is not blind: the new layer's blob was opened.
    assert(
      calls.some((line) => /open/.test(line) && line.includes(rebuilt.layers[1].digest.slice(7))),
    );
    const where = (call: RegExp) => calls.flatMap((line, at) => call.test(line) ? [at] : []);
    const [synced, ...again] = where(/ syncfs\(.* = 0$|syncfs resumed>.* = 0$/);
    const linked = where(/ linkat\(.*\/objects>/);
    const entered = where(/ renameat2\(.*\/layers\//);
    assertEquals([linked.length, again.length, entered.length], [1, 1, 1]);
    const order = [synced, ...linked, ...again, ...entered];
    assertEquals(order.toSorted((a, b) => a - b), order);
    assertEquals(changes(known), before);
    assertEquals(store.images.find("next").digest, rebuilt.digest);
  },
});

/** When each inode below a directory was last changed in any way. */
function changes(path: string): [string, number | undefined][] {
  return [...Deno.readDirSync(path)].flatMap(({ name, isDirectory }) => {
    const below = `${path}/${name}`;
    const own: [string, number | undefined] = [below, Deno.lstatSync(below).ctime?.getTime()];
    return [own, ...isDirectory ? changes(below) : []];
  }).sort();
}
