/**
 * Strategies whose writes go where they should not.
 *
 * @module
 */

import type { Host, Job } from "../../../src/strategy/plugin.ts";
import { type Fault, type Mutant } from "./mutant.ts";

/** A fault that does something before what the strategy does. */
function first(what: (job: Job, host: Host) => void): Fault {
  return (strategy, host) => ({
    compose(job) {
      what(job, host);
      return strategy.compose(job);
    },
  });
}

/** See the module. */
export const ISOLATION_MUTANTS: readonly Mutant[] = [
  {
    fault: "shares inodes with the store where it says that it does not",
    damages: true,
    mutate: () => ({ place: (file) => void (file.link() || file.copy()) }),
    caughtBy: "isolation/append",
    finds: /^in the store, victims\/append was/,
  },
  {
    fault: "shares inodes of small files only",
    damages: true,
    mutate: () => ({ place: (file) => void ((file.size < 100 && file.link()) || file.copy()) }),
    caughtBy: "isolation/write-tiny",
    finds: /^in the store, victims\/write-tiny was/,
  },
  {
    fault: "links what is listed as writable",
    into: "hardlink",
    damages: true,
    mutate: () => ({ place: (file) => void (file.link() || file.copy()) }),
    caughtBy: "isolation-listed/deep",
    finds: /^in the store, directory\/deep\/er\/file was/,
  },
  {
    fault: "ignores the list of writable paths below directories",
    into: "hardlink",
    damages: true,
    mutate: (strategy) => ({
      compose: (job) =>
        strategy.compose({
          ...job,
          writable: job.writable.filter((path) => path !== "directory"),
        }),
    }),
    caughtBy: "isolation-listed/directory",
    finds: /^in the store, directory\/file was/,
  },
  {
    fault: "writes into a layer",
    damages: true,
    mutate: first(({ layers }) => {
      Deno.writeTextFileSync(`${layers[0].path}/written-by-a-mutant`, "");
    }),
    caughtBy: "isolation/store",
    finds: /written-by-a-mutant was: not there/,
  },
  {
    fault: "gives all compositions one upper directory",
    into: "overlay",
    mutate: (strategy) => ({
      compose: (job) => {
        const path = `${job.target}/../shared-upper`;
        Deno.mkdirSync(path, { recursive: true });
        return strategy.compose({ ...job, upper: { kind: "directory", path } });
      },
    }),
    caughtBy: "isolation-next/tree",
    finds: /^victims\/write: /,
  },
  {
    fault: "mounts writable where read-only is asked",
    into: "overlay",
    mutate: (strategy) => ({ compose: (job) => strategy.compose({ ...job, access: "rw" }) }),
    caughtBy: "read-only/write",
    finds: /^it works$/,
  },
  {
    fault: "does not use the upper directory",
    into: "overlay",
    mutate: (strategy) => ({ compose: (job) => strategy.compose({ ...job, upper: undefined }) }),
    caughtBy: "upper/directory/written",
    finds: /does not hold it/,
  },
  {
    fault: "writes to the store instead of memory",
    into: "overlay",
    mutate: (strategy) => ({ compose: (job) => strategy.compose({ ...job, upper: undefined }) }),
    caughtBy: "upper/tmpfs/written",
    finds: /holds it$/,
  },
  {
    fault: "forgets how much memory may be used",
    into: "overlay",
    mutate: (strategy) => ({
      compose: (job) => strategy.compose({ ...job, upper: { kind: "tmpfs", size: undefined } }),
    }),
    caughtBy: "upper/tmpfs/bounded",
    finds: /^4 MiB can be written/,
  },
  {
    fault: "removes the upper directory with the composition",
    into: "overlay",
    mutate: (strategy, host) => ({
      async release(composition) {
        await strategy.release(composition);
        const { upper } = composition;
        if (upper?.kind === "directory") host.removeContents(upper.path);
      },
    }),
    caughtBy: "upper/directory/kept",
    finds: /does not hold it any more$/,
  },
];
