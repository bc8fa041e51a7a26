import { assert, assertEquals } from "@std/assert";
import { runSuite } from "../../src/strategy/conformance/run.ts";
import { BUILT_IN } from "../../src/strategy/loader.ts";
import { available, LOOP_KINDS, LoopFs, type LoopKind } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { Bed, builtInPlugins } from "./bed.ts";

/** Trees are compared on every filesystem; all else is tried on one that most strategies work on, or the strategy's own. */
function filterFor(strategy: string, kind: LoopKind): string {
  const home = strategy === "btrfs-snapshot" ? "btrfs" : "xfs";
  return kind === home ? "" : "tree/";
}

/** What may be skipped: more would go unnoticed. */
const SKIPPED = [
  /^it says that it does not work here: /,
  /^the store here cannot hold the image longest-target: .*ENAMETOOLONG/,
  /^its traits /,
  /^there is no program to run and kill$/,
];

for (const kind of LOOP_KINDS) {
  Deno.test({
    ...needs(`conformance on ${kind}`, notRoot(), available(kind)),
    async fn(t) {
      await using fs = await LoopFs.make(kind, 1024);
      const bed = new Bed(fs.path);
      const plugins = await builtInPlugins();
      for (const name of BUILT_IN) {
        const plugin = plugins.find((plugin) => plugin.name === name)!;
        await t.step(name, async () => {
          const results = await runSuite(bed, plugin, { filter: [filterFor(name, kind)] });
          assertEquals(results.filter(({ outcome }) => outcome === "failed"), []);
          const reasons = new Set(results.flatMap(({ reason }) => reason ?? []));
          for (const one of reasons) assert(SKIPPED.some((known) => known.test(one)), one);
          const ids = new Set(results.map(({ id }) => id));
          assertEquals(ids.size, results.length, "ids are unique");
          assert(results.length > 700, `${results.length} cases`);
        });
      }
    },
  });
}
