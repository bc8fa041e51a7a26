import { assert, assertEquals, assertRejects } from "@std/assert";
import { LaminaError } from "../../src/error.ts";
import { countCases } from "../../src/strategy/conformance/mod.ts";
import { runSuite } from "../../src/strategy/conformance/run.ts";
import type { LoadedPlugin } from "../../src/strategy/loader.ts";
import { available, LoopFs } from "../support/loopfs.ts";
import { needs, notRoot } from "../support/root.ts";
import { Bed, builtInPlugins } from "./bed.ts";
import { ANSWER_MUTANTS } from "./mutants/answers.ts";
import { ISOLATION_MUTANTS } from "./mutants/isolation.ts";
import { METADATA_MUTANTS } from "./mutants/metadata.ts";
import { broken, type Mutant } from "./mutants/mutant.ts";
import { TREE_MUTANTS } from "./mutants/trees.ts";
import { UNDOING_MUTANTS } from "./mutants/undoing.ts";

const MUTANTS = [
  ...METADATA_MUTANTS,
  ...TREE_MUTANTS,
  ...ISOLATION_MUTANTS,
  ...UNDOING_MUTANTS,
  ...ANSWER_MUTANTS,
];

/** With this variable set, every mutant goes through the whole suite. */
const WHOLE = Deno.env.get("LAMINA_MUTATIONS") === "whole";

const strategyOf = ({ into = "copy" }: Mutant) => into;

Deno.test({
  ...needs(
    `mutations: the suite catches ${MUTANTS.length} broken strategies`,
    notRoot(),
    available("xfs"),
  ),
  async fn(t) {
    assertEquals(new Set(MUTANTS.map(({ fault }) => fault)).size, MUTANTS.length);
    await using fs = await LoopFs.make("xfs", 512);
    const bed = new Bed(fs.path);
    const plugins = await builtInPlugins();
    for (const name of new Set(MUTANTS.map(strategyOf))) {
      const plugin = plugins.find((plugin) => plugin.name === name)!;
      const mutants = MUTANTS.filter((mutant) => strategyOf(mutant) === name);
      await t.step(`${name} itself passes`, async () => {
        const filter = WHOLE ? [""] : mutants.map(({ caughtBy }) => caughtBy);
        const results = await runSuite(bed, plugin, { filter });
        assertEquals(results.filter(({ outcome }) => outcome === "failed"), []);
        assert(countCases(results).passed > 0);
      });
      for (const mutant of mutants) {
        await t.step(`${name}: ${mutant.fault}`, async () => {
          const place = mutant.damages ? new Bed(Deno.makeTempDirSync({ dir: fs.path })) : bed;
          try {
            const found = await findings(place, broken(plugin, mutant.mutate), mutant);
            const said = found.join("\n");
            assert(found.some((line) => mutant.finds.test(line)), `${mutant.caughtBy}: ${said}`);
          } finally {
            mutant.after?.();
          }
        });
      }
    }
  },
});

/** What the cases found that have to catch a mutant. */
async function findings(
  bed: Bed,
  plugin: LoadedPlugin,
  { caughtBy, patience }: Mutant,
): Promise<readonly string[]> {
  const filter = [WHOLE ? "" : caughtBy];
  const running = runSuite(bed, plugin, { filter, ...patience === undefined ? {} : { patience } });
  if (caughtBy === "loading") return [(await assertRejects(() => running, LaminaError)).message];
  return (await running).filter(({ id }) => id.includes(caughtBy))
    .flatMap(({ found }) => found ?? []);
}
