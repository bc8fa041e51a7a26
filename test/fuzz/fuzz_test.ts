/**
 * The short form of fuzzing: inputs that showed something once, and some that are new but always the same.
 *
 * @module
 */

import { needs } from "../support/root.ts";
import { keyOf } from "./minimise.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { savedSeeds, saveSeed } from "./seeds.ts";
import type { Target } from "./target.ts";
import { loadTarget, TARGETS } from "./targets.ts";

/** Inputs for a target that says nothing. */
const SHORT = 300;

/** Inputs that are the same in every run. */
function* inputs(target: Target): Generator<Uint8Array> {
  const starts = target.starts();
  yield* starts;
  yield* savedSeeds(target.name);
  const random = new Random(1);
  for (let left = target.short ?? SHORT; left > 0; left--) {
    yield mutate(target, random.pick(starts), random, random.pick(starts));
  }
}

for (const name of TARGETS) {
  const target = await loadTarget(name);
  Deno.test({
    ...needs(`fuzzing: ${name}`, target.obstacle),
    async fn() {
      try {
        for (const input of inputs(target)) {
          try {
            await target.run(input);
          } catch (cause) {
            throw new Error(`seeds/${saveSeed(name, input)}: ${keyOf(cause)}`, { cause });
          }
        }
      } finally {
        await target[Symbol.asyncDispose]?.();
      }
    },
  });
}
