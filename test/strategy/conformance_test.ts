import { assert, assertEquals } from "@std/assert";
import { runSuite } from "../../src/strategy/conformance/run.ts";
import { BUILT_IN } from "../../src/strategy/loader.ts";
import { available, LOOP_KINDS, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { Bed, builtInPlugins } from "./bed.ts";

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
          const results = await runSuite(bed, plugin);
          const failed = results.filter(({ outcome }) => outcome === "failed");
          assertEquals(failed, []);
          assert(results.length > 100);
        });
      }
    },
  });
}
