import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compose } from "../../src/strategy/compose.ts";
import { IMAGES } from "../../src/strategy/conformance/images/mod.ts";
import { runSuite } from "../../src/strategy/conformance/run.ts";
import { createHost } from "../../src/strategy/host.ts";
import { type LoadedPlugin, loadPlugin } from "../../src/strategy/loader.ts";
import type { Site } from "../../src/strategy/plugin.ts";
import { release } from "../../src/strategy/release.ts";
import { cannotMount, lacks, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { TempDir } from "../support/temp.ts";
import { Bed, NOTHING } from "./bed.ts";

/** The images of the conformance suite that mkfs.erofs could get wrong. */
const WANTED = /^(root|plain|names|object-names|links-across|deep)$/;

/** What some versions of mkfs.erofs cannot have: names of 255 bytes, paths above 4,095. */
const TOO_MUCH = /^(names|deep)$/;

async function example(): Promise<LoadedPlugin> {
  const url = new URL("../../plugins/examples/erofs/main.ts", import.meta.url).href;
  // As a built-in one: the checkout need not be where root loads plugins from.
  return await loadPlugin({ url, file: undefined });
}

Deno.test({
  ...needs(
    "example erofs: the image shows every tree, and is made once",
    notRoot(),
    lacks("mkfs.erofs"),
    cannotMount("erofs"),
  ),
  async fn(t) {
    using temp = new TempDir();
    const bed = new Bed(temp.path);
    const options = { plugins: [await example()], strategy: "erofs", access: "ro" } as const;
    for (const { id: name, layers } of IMAGES.filter(({ id }) => WANTED.test(id))) {
      await t.step(name, async () => {
        const image = await bed.image(name, layers());
        const [first, second] = await Promise.allSettled(
          [1, 2].map(() => compose(bed.store, image, bed.target(), options)),
        );
        if (first.status === "rejected" || second.status === "rejected") {
          const reasons = [first, second].map((one) => one.status === "rejected" && one.reason);
          for (const reason of reasons) assertEquals(reason.kind, "unsupported", reason.message);
          assert(TOO_MUCH.test(name), reasons[0].message);
          assertEquals(bed.leftovers(), NOTHING);
          return;
        }
        const made = [first.value, second.value];
        assertEquals(made.map(({ notes }) => notes.made).sort(), ["before", "now"]);
        for (const { id, target } of made) {
          assertEquals(diffSnapshots(bed.expected(image), snapshot(target)), []);
          await release(bed.store, id, options);
        }
        assertEquals(bed.leftovers(), NOTHING);
      });
    }
    await t.step("what it refuses in words, the suite skips", async () => {
      const cases = await runSuite(bed, options.plugins[0], { filter: ["tree/ro/names/"] });
      const outcomes = new Set(cases.map(({ outcome }) => outcome));
      assertEquals([outcomes.size, outcomes.has("failed")], [1, false]);
      if (!outcomes.has("skipped")) return;
      for (const { reason } of cases) assertStringIncludes(reason!, "cannot make an image of it");
    });
  },
});

Deno.test("example erofs: without mkfs.erofs it says what to install", async () => {
  const { plugin } = await example();
  const site = { store: "", native: true } as Site;
  const verdict = await plugin.create({ ...createHost(), findProgram: () => undefined })
    .probe(site);
  assertEquals(verdict.works, false);
  if (!verdict.works) assertStringIncludes(verdict.hint!, "erofs-utils");
});
