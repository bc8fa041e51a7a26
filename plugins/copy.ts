/**
 * The floor: every file is copied. Needs nothing but a directory that can be written.
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

const KIB = 1024;
const MIB = 1024 * KIB;

const traits: Traits = {
  result: "directory",
  access: ["ro", "rw"],
  isolation: "full",
  survivesReboot: true,
  privilege: "none",
  integrity: false,
  upper: false,
};

const plugin: Plugin = {
  apiVersion: 1,
  name: "copy",
  summary: "copies every file; works everywhere, and costs the image's bytes",

  create(host: Host): Strategy {
    return {
      traits,

      probe({ store, target }: Site) {
        const { measure } = host;
        try {
          const small = measure.copy(store, target, 2 * KIB);
          const large = measure.copy(store, target, 16 * KIB);
          const usPerMiB = Math.max(0, measure.copy(store, target, MIB) - large);
          const usPerLarge = Math.max(0, large - small);
          const usPerDirectory = measure.directory(target);
          return {
            works: true,
            cost: {
              fixedMs: 0,
              msPerLayer: 0,
              usPerDirectory,
              usPerFile: small,
              usPerLarge,
              usPerMiB,
            },
          };
        } catch (error) {
          return {
            works: false,
            reason: (error as Error).message,
            hint: "It takes a directory that can be written, on a filesystem with some room.",
          };
        }
      },

      place(file: FileEntry) {
        file.copy();
      },

      compose(job: Job) {
        return host.materialize(job);
      },

      release({ target }) {
        host.removeContents(target);
      },
    };
  },
};

export default plugin;
