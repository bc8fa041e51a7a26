import { assertEquals, assertGreater, assertNotEquals, assertStringIncludes } from "@std/assert";
import { SHELL_PROGRAMS } from "../../src/release/demo_files.ts";
import { makeDemoImages } from "../../src/release/demo_images.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { resolve, run } from "../oci/support.ts";

const SMALL = { bytes: 0, programs: SHELL_PROGRAMS, application: { smallFiles: 50, bytes: 0 } };

Deno.test("the demo's images share a base, and the rebuild differs in its top layer alone", async () => {
  using scratch = new TempDir();
  const path = `${scratch.path}/layout`;
  const made = await makeDemoImages(path, { ...SMALL, smallFiles: 50 });
  assertEquals(made.images.map(({ name }) => name), ["web", "worker", "tools", "web-next"]);
  assertGreater(made.baseFiles, 50);
  assertStringIncludes(made.short ?? "", "this host has only");
  const [web, worker, tools, next] = await Promise.all(made.images.map(async (image) => {
    const found = await resolve(image.reference);
    assertEquals(found.digest, image.digest);
    assertEquals(
      found.layers.map(({ diffId }) => diffId),
      image.layers.map(({ diffId }) => diffId),
    );
    return image.layers.map(({ diffId }) => diffId);
  }));
  for (const other of [worker, tools]) {
    assertEquals(other.slice(0, made.sharedLayers), web.slice(0, made.sharedLayers));
    assertNotEquals(other[made.sharedLayers + 1], web[made.sharedLayers + 1]);
  }
  assertEquals(next.slice(0, -1), web.slice(0, -1));
  assertNotEquals(next.at(-1), web.at(-1));
});

Deno.test({
  ...needs(
    "a demo image's command runs in its root filesystem",
    notRoot(),
    lacks("umoci"),
    lacks("ldd"),
  ),
  fn: async () => {
    using scratch = new TempDir();
    const path = `${scratch.path}/layout`;
    const made = await makeDemoImages(path, { ...SMALL, smallFiles: 0, compression: "gzip" });
    await run("umoci", "raw", "unpack", "--image", `${path}:web-next`, `${scratch.path}/root`);
    const said = await run("chroot", `${scratch.path}/root`, ...made.command);
    assertEquals(said, "web 2.0 on lamina-demo, 200 data files\n");
  },
});
