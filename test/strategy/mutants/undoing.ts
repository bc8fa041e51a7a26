/**
 * Strategies that leave something behind, or do not end as they should.
 *
 * @module
 */

import { createHost } from "../../../src/strategy/host.ts";
import type { Host, Job, Strategy } from "../../../src/strategy/plugin.ts";
import { entries, type Fault, type Mutant, spoils } from "./mutant.ts";

const NOTHING_LEFT = "/nothing-left";

const COST = { fixedMs: 0, msPerLayer: 0, usPerDirectory: 1, usPerFile: 1, usPerMiB: 1 };

/** A fault that does something before what the strategy does. */
function first(what: (job: Job, host: Host) => void): Fault {
  return (strategy, host) => ({
    compose(job) {
      what(job, host);
      return strategy.compose(job);
    },
  });
}

/** A fault of releasing; `before` gets how often that was asked of this target. */
function releasing(release: (target: string, strategy: Strategy, times: number) => boolean): Fault {
  const times = new Map<string, number>();
  return (strategy) => ({
    async release(composition) {
      const { target } = composition;
      const asked = (times.get(target) ?? 0) + 1;
      times.set(target, asked);
      if (release(target, strategy, asked)) await strategy.release(composition);
    },
  });
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

let probes = 0;
let umask: number | undefined;

/** See the module. */
export const UNDOING_MUTANTS: readonly Mutant[] = [
  {
    fault: "leaves a mount",
    into: "overlay",
    mutate: (strategy, host) => ({
      compose(job) {
        const path = `${job.target}-too`;
        host.fs.mkdir(path);
        using tmpfs = host.mounts.tmpfs({});
        tmpfs.attach(path);
        return strategy.compose(job);
      },
    }),
    caughtBy: `release/rw/twice${NOTHING_LEFT}`,
    finds: /^a mount is left: tmpfs/,
  },
  {
    fault: "leaves a temporary directory",
    mutate: first(({ target }) => Deno.mkdirSync(`${target}.tmp`)),
    caughtBy: `release/rw/twice${NOTHING_LEFT}`,
    finds: /^a file or directory is left: .*\.tmp$/,
  },
  {
    fault: "leaves a descriptor open",
    mutate: first(({ target }, host) => void host.fs.openDirectory(target)),
    caughtBy: `release/rw/another${NOTHING_LEFT}`,
    finds: /descriptors are left open/,
  },
  {
    fault: "leaves another umask",
    mutate: spoils(() => umask = Deno.umask(0o027)),
    caughtBy: `release/rw/twice${NOTHING_LEFT}`,
    finds: /^the umask is left at 27$/,
    after: () => umask !== undefined && Deno.umask(umask),
  },
  {
    fault: "leaves something of its probe",
    mutate: (strategy) => ({
      probe(site) {
        Deno.writeTextFileSync(`${site.target}/../probed-${probes++}`, "");
        return strategy.probe(site);
      },
    }),
    caughtBy: `probe/rw/here${NOTHING_LEFT}`,
    finds: /^a file or directory is left: .*probed-/,
  },
  {
    fault: "removes what lies beside the target",
    mutate: releasing((target) => {
      const directory = target.replace(/\/[^/]*$/, "");
      for (const { name } of [...Deno.readDirSync(directory)]) {
        if (!/^t\d/.test(name)) Deno.removeSync(`${directory}/${name}`, { recursive: true });
      }
      return true;
    }),
    caughtBy: `release/rw/twice${NOTHING_LEFT}`,
    finds: /^what lay beside the target is changed or gone$/,
  },
  {
    fault: "forgets to release",
    mutate: releasing(() => false),
    caughtBy: `release/rw/twice${NOTHING_LEFT}`,
    finds: /^a file or directory is left/,
  },
  {
    fault: "forgets to unmount",
    into: "overlay",
    mutate: releasing(() => false),
    caughtBy: "release/rw/twice",
    finds: /^a mount is left: overlay/,
  },
  {
    fault: "releases only what it made",
    mutate: releasing((target, strategy) => {
      if (!exists(`${target}/new`)) return true;
      for (const { path, info } of entries(target)) {
        if (!path.startsWith(`${target}/new`) && !info.isDirectory) Deno.removeSync(path);
      }
      return strategy === undefined;
    }),
    caughtBy: `release/rw/written${NOTHING_LEFT}`,
    finds: /^a file or directory is left/,
  },
  {
    fault: "follows a symbolic link when it releases",
    mutate: releasing((target) => {
      for (const { path, info } of entries(target)) {
        if (!info.isSymlink || !path.endsWith("/new/link")) continue;
        for (const { name } of [...Deno.readDirSync(path)]) {
          if (!/^t\d/.test(name)) Deno.removeSync(`${path}/${name}`);
        }
      }
      return true;
    }),
    caughtBy: `release/rw/written${NOTHING_LEFT}`,
    finds: /^what lay beside the target is changed or gone$/,
  },
  {
    fault: "cannot release a second time",
    mutate: releasing((_, __, times) => {
      if (times > 1) throw new Error("there is nothing to release");
      return true;
    }),
    caughtBy: "release/rw/twice/done",
    finds: /there is nothing to release/,
  },
  {
    fault: "cannot release what is not there any more",
    mutate: releasing((target) => Deno.statSync(target).isDirectory),
    caughtBy: "release/rw/rebooted/done",
    finds: /No such file/,
  },
  {
    fault: "cannot release what was never made",
    mutate: (strategy) => ({
      async release(composition) {
        Deno.statSync(composition.workspace);
        await strategy.release(composition);
      },
    }),
    caughtBy: "release/never-made/done",
    finds: /No such file/,
  },
  {
    fault: "releases other compositions too",
    mutate: releasing((target) => {
      const directory = target.replace(/\/[^/]*$/, "");
      for (const { name } of [...Deno.readDirSync(directory)]) {
        const other = `${directory}/${name}/etc/passwd`;
        if (`${directory}/${name}` !== target && exists(other)) Deno.removeSync(other);
      }
      return true;
    }),
    caughtBy: "release/rw/another/done",
    finds: /^etc\/passwd: is not there/,
  },
  {
    fault: "does not stop where something fails half-way",
    mutate: (strategy) => ({
      async compose(job) {
        try {
          return await strategy.compose(job);
        } catch {
          return {};
        }
      },
    }),
    caughtBy: "failure/bad-tree/refused",
    finds: /is not there/,
  },
  {
    fault: "leaves the target where something fails half-way",
    mutate: (strategy) => {
      let failed = false;
      return {
        async compose(job) {
          failed = true;
          const made = await strategy.compose(job);
          failed = false;
          return made;
        },
        release: (composition) => failed ? undefined : strategy.release(composition),
      };
    },
    caughtBy: "failure/full/cleared",
    finds: /^it holds target$/,
  },
  {
    fault: "ignores the signal",
    mutate: (strategy) => ({
      // What the host does for it would stop: so it has a host that knows of no signal.
      compose(job) {
        const host = createHost({ plugin: { url: "", file: undefined } });
        host.bind(strategy);
        return host.materialize(job);
      },
    }),
    caughtBy: "stop/heard",
    finds: /^it goes on to the end$/,
  },
  {
    fault: "never comes to an end",
    mutate: () => ({
      probe: () => ({ works: true, cost: COST }),
      compose: () => new Promise(() => {}),
    }),
    caughtBy: "release/rw/twice/done",
    finds: /^it failed: it has not ended within/,
    patience: 100,
  },
];
