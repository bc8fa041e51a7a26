/**
 * Strategies that say what is not so, or get in their own way.
 *
 * @module
 */

import type { Job, Strategy, Traits, Verdict } from "../../../src/strategy/plugin.ts";
import { type Fault, type Mutant } from "./mutant.ts";

function traits(change: Partial<Record<keyof Traits | "further", unknown>>): Fault {
  return (strategy) => ({ traits: { ...strategy.traits, ...change } as Traits });
}

function verdict(answer: unknown): Fault {
  return () => ({ probe: () => answer as Verdict });
}

const COST = { fixedMs: 0, msPerLayer: 0, usPerDirectory: 1, usPerFile: 1, usPerMiB: 1 };

let probes = 0;
let latest: Job | undefined;

/** See the module. */
export const ANSWER_MUTANTS: readonly Mutant[] = [
  {
    fault: "its probe throws",
    mutate: () => ({
      probe() {
        throw new Error("no such luck");
      },
    }),
    caughtBy: "probe/rw/here/verdict",
    finds: /no such luck/,
  },
  {
    fault: "its probe hangs",
    mutate: () => ({ probe: () => new Promise(() => {}) }),
    caughtBy: "probe/rw/here/verdict",
    finds: /it has not ended within/,
    patience: 100,
  },
  {
    fault: "its probe says nothing",
    mutate: verdict(undefined),
    caughtBy: "probe/rw/here/verdict",
    finds: /^it is undefined$/,
  },
  {
    fault: "its probe says rubbish",
    mutate: verdict({ works: true, cost: { ...COST, usPerFile: NaN } }),
    caughtBy: "probe/rw/here/verdict",
    finds: /^its cost has usPerFile NaN$/,
  },
  {
    fault: "its probe says no without a reason",
    mutate: verdict({ works: false }),
    caughtBy: "probe/rw/elsewhere/verdict",
    finds: /^it does not say why it does not work$/,
  },
  {
    fault: "its probe says one thing and then another",
    mutate: (strategy) => ({
      probe: (site) => probes++ % 2 === 0 ? strategy.probe(site) : { works: false, reason: "odd" },
    }),
    caughtBy: "probe/rw/here/same",
    finds: /^one says that it works, the other not$/,
  },
  {
    fault: "its probe promises what it cannot do",
    mutate: () => ({
      probe: () => ({ works: true, cost: COST }),
      compose() {
        throw new Error("not here");
      },
    }),
    caughtBy: "probe/rw/elsewhere/honest",
    finds: /not here/,
  },
  {
    fault: "has a trait of no known value",
    mutate: traits({ isolation: "complete" }),
    caughtBy: "loading",
    finds: /isolation is "complete"/,
  },
  {
    fault: "has a trait of its own",
    mutate: traits({ further: true }),
    caughtBy: "contract/traits-unknown",
    finds: /^there is further$/,
  },
  {
    fault: "says that it keeps something with a name that is no file's",
    mutate: traits({ keeps: "../elsewhere" }),
    caughtBy: "loading",
    finds: /keeps is "\.\.\/elsewhere"/,
  },
  {
    fault: "has no function to release by",
    mutate: () => ({ release: undefined as unknown as Strategy["release"] }),
    caughtBy: "loading",
    finds: /has no release\(\)/,
  },
  {
    fault: "makes strategies with changing traits",
    mutate: (strategy) => ({ traits: { ...strategy.traits, maxLayers: 10 + probes++ } }),
    caughtBy: "contract/create-alike",
    finds: /different traits/,
  },
  {
    fault: "keeps the job in a variable of its module",
    mutate: (strategy) => ({
      async compose(job) {
        latest = job;
        await new Promise((resolve) => setTimeout(resolve, 50));
        return await strategy.compose(latest);
      },
    }),
    caughtBy: "concurrent/one-image/composed",
    finds: /EEXIST/,
    after: () => latest = undefined,
  },
];
