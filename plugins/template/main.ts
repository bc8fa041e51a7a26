/**
 * What this strategy does differently, in a sentence or two. As it is, it copies every file.
 *
 * @module
 */

import type {
  Composition,
  FileEntry,
  Host,
  Job,
  Made,
  Plugin,
  Site,
  Strategy,
  Traits,
  Verdict,
} from "../../src/strategy/plugin.ts";

/** What is so on every host. */
const traits: Traits = {
  result: "directory",
  access: ["ro", "rw"],
  isolation: "full",
  survivesReboot: true,
  privilege: "none",
  integrity: false,
  upper: false,
};

/** Does the very operations in the site's scratch directories; what throws there does not work. */
function probe({ measure }: Host, { store, target }: Site): Verdict {
  try {
    const small = measure.copy(store, target, 4096);
    const large = measure.copy(store, target, 1024 * 1024);
    return {
      works: true,
      cost: {
        fixedMs: 0,
        msPerLayer: 0,
        usPerDirectory: measure.directory(target),
        usPerFile: small,
        usPerMiB: Math.max(0, large - small),
      },
    };
  } catch (error) {
    return { works: false, reason: (error as Error).message };
  }
}

const plugin: Plugin = {
  apiVersion: 1,
  name: "template",
  summary: "copies every file",
  version: "0.1.0",

  create(host: Host): Strategy {
    return {
      traits,
      probe: (site: Site) => probe(host, site),
      // The walk makes everything but the contents of regular files: these come from place().
      compose: (job: Job): Promise<Made> => host.materialize(job),
      place: (file: FileEntry) => file.copy(),
      release: ({ target }: Composition) => host.removeContents(target),
    };
  },
};

export default plugin;
