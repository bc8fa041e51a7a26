import { assert, assertEquals } from "@std/assert";
import { compose } from "../../src/strategy/compose.ts";
import { BUILT_IN } from "../../src/strategy/loader.ts";
import type { Access } from "../../src/strategy/plugin.ts";
import { release } from "../../src/strategy/release.ts";
import { available, LOOP_KINDS, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { cannotMount, needs, notRoot } from "../support/root.ts";
import { diffSnapshots, snapshot } from "../support/snapshot.ts";
import { Bed, builtInPlugins } from "./bed.ts";
import { CASES } from "./cases.ts";

/** What each strategy cannot do somewhere. */
function impossible(strategy: string, kind: LoopKind): string | undefined {
  if (strategy === "reflink" && kind === "ext4") return "ext4 has no reflinks";
  if (strategy === "btrfs-snapshot" && kind !== "btrfs") return `${kind} has no snapshots`;
  if (strategy === "overlay" || strategy === "composefs") return cannotMount("overlay");
  return undefined;
}

/** XFS shows ACLs under a second name. */
const xattrs = (key: string) => !key.startsWith("trusted.SGI_ACL_");

/** The ways to compose that must show the tree. */
const WAYS: readonly { access: Access; isolation: "full" | "shared" }[] = [
  { access: "ro", isolation: "full" },
  { access: "rw", isolation: "shared" },
];

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(
      `conformance on ${kind}: every strategy shows the tree, entry by entry`,
      notRoot(),
      available(kind),
    ),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 1024);
      const bed = new Bed(fs.path);
      const plugins = await builtInPlugins();
      for (const { name, layers } of CASES) {
        const image = await bed.image(
          `case-${CASES.findIndex((one) => one.name === name)}`,
          layers(),
        );
        const expected = bed.expected(image);
        for (const strategy of BUILT_IN) {
          const reason = impossible(strategy, kind);
          for (const { access, isolation } of WAYS) {
            await t.step({
              ...needs(`${name}: ${strategy}, ${access}`, reason),
              async fn() {
                const target = bed.target();
                const options = { plugins, strategy, access, isolation };
                const made = await compose(bed.store, image, target, options);
                try {
                  assertEquals(made.strategy, strategy);
                  assertEquals(diffSnapshots(expected, snapshot(target, { xattrs })), []);
                } finally {
                  await release(bed.store, made.id, { plugins });
                }
                assertEquals(bed.leftovers(), { records: [], directories: [] });
              },
            });
          }
        }
      }
      assert(bed.store.images.list().length === CASES.length);
    },
  });
}
