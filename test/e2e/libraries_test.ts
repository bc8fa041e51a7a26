/**
 * Libraries that a host may lack: what is made without them is the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { LIBCRYPTO, LIBISAL } from "../../src/linux/mod.ts";
import { writeOciLayout } from "../support/images.ts";
import { needs } from "../support/root.ts";
import { directory, file, makeTar } from "../support/tar.ts";
import { TempDir } from "../support/temp.ts";
import { notCompiled, Program } from "./program.ts";

Deno.test({
  ...needs(
    "libraries: without libcrypto and ISA-L an image is what it is with them",
    notCompiled(),
  ),
  async fn() {
    using temp = new TempDir();
    const text = (i: number) => `line ${i} of a text that is repeated\n`.repeat(i * 7);
    const files = Array.from({ length: 400 }, (_, i) => file(`d/${i}`, text(i)));
    const layers = [makeTar([directory("d"), ...files])];
    await writeOciLayout(`${temp.path}/layout`, [{ name: "app", layers, compression: "gzip" }]);
    // What the loader finds first is no library.
    const broken = `${temp.path}/broken`;
    Deno.mkdirSync(broken);
    for (const name of [...LIBCRYPTO, LIBISAL]) Deno.writeTextFileSync(`${broken}/${name}`, "");
    const host = (name: string, environment: Record<string, string>) => {
      Deno.mkdirSync(`${temp.path}/${name}`);
      return new Program(`${temp.path}/${name}`, { environment });
    };
    await using rich = host("rich", {});
    await using poor = host("poor", { LD_LIBRARY_PATH: broken });
    const digests = [];
    for (const lamina of [rich, poor]) {
      await lamina.json("pull", `oci:${temp.path}/layout:app`);
      digests.push((await lamina.json("composefs", "digest", "app")).digest);
    }
    assertEquals(digests[1], digests[0]);
    assertEquals((await poor.json("fsck")).findings, []);
    // They are lacking indeed.
    assertEquals((await poor.json("probe")).inflate, "node:zlib");
  },
});
