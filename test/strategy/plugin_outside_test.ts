import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { compose } from "../../src/strategy/compose.ts";
import { loadPlugins } from "../../src/strategy/loader.ts";
import { release } from "../../src/strategy/release.ts";
import { needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { file, hardlink } from "../support/tar.ts";
import { FAST, TempDir } from "../support/temp.ts";
import { Bed, builtInPlugins, bytesOf, NOTHING } from "./bed.ts";

Deno.test({
  ...needs(
    "an outside plugin composes in two threads, is needed to release, and is chosen when it is fastest",
    notRoot(),
  ),
  async fn() {
    using temp = new TempDir(FAST);
    // Root loads plugins from its own folders only.
    using folder = new TempDir("/root");
    const bed = new Bed(temp.path);
    // The first thread dawdles until the second one is at work.
    const dawdling = `
      if (typeof WorkerGlobalScope !== "undefined") host.fs.write("${temp.path}/second", new Uint8Array(1));
      else if (!host.fs.exists("${temp.path}/second")) {
        for (const end = Date.now() + 3; Date.now() < end;);
      }
      file.copy();`;
    const source = Deno.readTextFileSync(new URL("../../plugins/copy.ts", import.meta.url))
      .replace("file.copy();", dawdling)
      .replace('name: "copy"', 'name: "outside"').replace("usPerFile: small", "usPerFile: 0")
      .replace("usPerMiB }", "usPerMiB: 0 }").replace("usPerDirectory,", "usPerDirectory: 0,");
    const path = `${folder.path}/outside.ts`;
    Deno.writeTextFileSync(path, source);
    const { loaded, failed } = await loadPlugins({ files: [path] });
    assertEquals(failed, []);
    const pieces = Array.from({ length: 5000 }, (_, i) => {
      const path = `d${i % 10}/e${i % 50}/f${i}`;
      // Links from directory to directory, so from thread to thread.
      return i % 7 === 0 && i > 0
        ? hardlink(path, `d${(i - 1) % 10}/e${(i - 1) % 50}/f${i - 1}`)
        : file(path, bytesOf(i % 200, i));
    });
    const image = await bed.image("many", [pieces]);
    const made = await compose(bed.store, image, bed.target(), {
      plugins: loaded,
      result: "directory",
      threads: 2,
    });
    assertEquals([made.strategy, made.notes.threads], ["outside", 2]);
    assertEquals(diffSnapshots(bed.expected(image), snapshot(made.target)), []);
    const plugins = await builtInPlugins();
    const error = await assertRejects(
      () => release(bed.store, made.id, { plugins }),
      LaminaError,
      "not loaded",
    );
    assertStringIncludes((error as LaminaError).hint!, `--plugin ${path}`);
    await release(bed.store, made.id, { plugins: loaded });
    assertEquals(bed.leftovers(), NOTHING);
  },
});
