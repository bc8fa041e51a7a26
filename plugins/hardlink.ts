/**
 * Hard links: every file is the store's own inode under one more name. Nothing is copied, but what writes to such a file in place writes to
 * the store: so only for readers, or where the caller lists what will be written (those files are copied), or accepts the risk.
 *
 * @module
 */

import type {
  FileEntry,
  Host,
  Job,
  Plugin,
  Site,
  Strategy,
  Traits,
} from "../src/strategy/plugin.ts";

const traits: Traits = {
  result: "directory",
  access: ["ro", "rw"],
  isolation: "shared",
  survivesReboot: true,
  privilege: "none",
  integrity: false,
  upper: false,
};

const plugin: Plugin = {
  apiVersion: 1,
  name: "hardlink",
  summary: "links files to the store's own inodes; only what is listed as writable is copied",

  create(host: Host): Strategy {
    return {
      traits,

      probe({ store, target }: Site) {
        try {
          const usPerFile = host.measure.link(store, target);
          const usPerDirectory = host.measure.directory(target);
          return {
            works: true,
            cost: { fixedMs: 0, msPerLayer: 0, usPerDirectory, usPerFile, usPerMiB: 0 },
          };
        } catch (error) {
          return {
            works: false,
            reason: (error as Error).message,
            hint: "Keep store and target on one filesystem, and in one mount of it.",
          };
        }
      },

      place(file: FileEntry) {
        // An inode that has all the links that its filesystem allows is copied too.
        if (file.writable || !file.link()) file.copy();
      },

      compose(job: Job) {
        return host.materialize(job, { linkOthers: true });
      },

      release({ target }) {
        host.removeContents(target);
      },
    };
  },
};

export default plugin;
