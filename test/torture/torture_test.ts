// The short form of `deno task torture`: a sample of its points.

import { assert } from "@std/assert";
import { notCompiled } from "../e2e/program.ts";
import { available } from "../support/loopfs.ts";
import { lacks, needs, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { turmoil } from "./concurrency.ts";
import { failEverywhere } from "./faults.ts";
import { fillDisk } from "./full.ts";
import { Ground } from "./ground.ts";
import { killEverywhere } from "./kill.ts";
import { SCENARIOS } from "./scenario.ts";

/** Commands that the sample is of: the others are much like one of these. */
const SAMPLE = ["pull beside an image that shares a layer", "compose overlay", "gc"];

const scenarios = SCENARIOS.filter(({ name }) => SAMPLE.includes(name));

Deno.test({
  ...needs("torture: kill -9, faults, many processes", notRoot(), notCompiled(), lacks("strace")),
  async fn(t) {
    using temp = new TempDir();
    const ground = await Ground.make(temp.path);
    let [kills, faults] = [0, 0];
    for (const scenario of scenarios) {
      await t.step(scenario.name, async () => {
        kills += await killEverywhere(ground, scenario, 120);
        faults += await failEverywhere(ground, scenario, 90);
      });
    }
    assert(kills >= 4 && faults >= 3, `${kills} kills, ${faults} faults`);
    await t.step({
      ...needs("a full disk", available("ext4")),
      fn: async () => assert(await fillDisk(ground, [100_000, 600_000]) > 0),
    });
    await t.step("6 processes at once", async () => {
      const { commands } = await turmoil(ground, 6, Date.now() + 3000);
      assert(commands >= 6);
    });
  },
});
