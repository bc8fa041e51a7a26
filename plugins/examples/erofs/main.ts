/**
 * One EROFS image of the whole root filesystem, data and all, compressed: for readers, such as guests in virtual machines that take it as
 * a disk. Made by mkfs.erofs (package erofs-utils) when an image is composed first, and kept; a composition is a read-only mount of
 * it. Its path is among the composition's notes.
 *
 * An example of a plugin that keeps something and uses a program that is installed:
 *
 *     lamina --plugin plugins/examples/erofs/main.ts compose IMAGE TARGET --strategy erofs --access ro
 *
 * @module
 */

import type {
  Composition,
  FileEntry,
  Host,
  Job,
  Plugin,
  Site,
  Strategy,
  Traits,
  Verdict,
} from "../../../src/strategy/plugin.ts";

/** One that every mkfs.erofs and every kernel knows. Another one should have another name in `keeps`. */
const COMPRESSION = "lz4";

const traits: Traits = {
  result: "mount",
  access: ["ro"],
  isolation: "full",
  survivesReboot: false,
  privilege: "mount",
  integrity: false,
  upper: false,
  keeps: `image-${COMPRESSION}`,
};

const NOTHING = { fixedMs: 0, msPerLayer: 0, usPerDirectory: 0, usPerFile: 0, usPerMiB: 0 };

const KIB = 1024;
const MIB = 1024 * KIB;

const plugin: Plugin = {
  apiVersion: 1,
  name: "erofs",
  summary: "keeps a compressed EROFS image of each tree, data and all, and mounts it read-only",
  version: "1.0.0",

  create(host: Host): Strategy {
    const { fs, mounts, measure } = host;

    /** Makes an image of a directory. */
    async function makeImage(
      program: string,
      image: string,
      directory: string,
      signal?: AbortSignal,
    ): Promise<void> {
      // Extended inodes: compact ones have no time of their own.
      const args = ["--quiet", `-z${COMPRESSION}`, "-Eforce-inode-extended", image, directory];
      const command = new Deno.Command(program, { args, signal, stdin: "null" });
      const { success, stdout, stderr } = await command.output();
      signal?.throwIfAborted();
      if (success) return;
      const said = new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout);
      // Version 1.5, for one, takes no name of 255 bytes and no path above 4,095.
      throw host.unsupported(`${program} cannot make an image of it: ${said.trim()}`, {
        hint: "Get a newer one, or take another strategy: composefs is read-only too, and faster.",
      });
    }

    /** Makes an image of 1 MiB, mounts it, and reads it: milliseconds for a mount, microseconds for the MiB. */
    async function tryOut(program: string, store: string): Promise<[number, number]> {
      const content = new Uint8Array(MIB);
      // A mix of what can be compressed and what cannot, as root filesystems are.
      crypto.getRandomValues(content.subarray(0, 64 * KIB));
      for (let i = 1; i < 8; i++) content.copyWithin(i * 128 * KIB, 0, 64 * KIB);
      fs.mkdir(`${store}/tree`);
      fs.write(`${store}/tree/file`, content);
      const image = `${store}/image`;
      const start = performance.now();
      await makeImage(program, image, `${store}/tree`);
      const usPerMiB = (performance.now() - start) * 1000;
      {
        using mount = mounts.erofs(image);
        const shown = fs.read(`${mount.path}/file`);
        if (shown.length !== MIB || shown.some((byte, at) => byte !== content[at])) {
          throw new Error("the mounted image shows other content than the file's");
        }
      }
      return [measure.time(() => mounts.erofs(image)[Symbol.dispose]()) / 1000, usPerMiB];
    }

    return {
      traits,

      async probe({ store, native }: Site): Promise<Verdict> {
        const program = host.findProgram("mkfs.erofs");
        if (program === undefined) {
          return {
            works: false,
            reason: "mkfs.erofs is not installed",
            hint: "Install erofs-utils.",
          };
        }
        if (!mounts.allowed() || !native) {
          const reason = "the kernel mounts no EROFS without root's rights";
          return { works: false, reason, hint: "Run it as root." };
        }
        try {
          const [fixedMs, usPerMiB] = await tryOut(program, store);
          return {
            works: true,
            cost: { ...NOTHING, fixedMs },
            // All is copied into a directory first.
            keepCost: {
              ...NOTHING,
              usPerDirectory: measure.directory(store),
              usPerFile: measure.copy(store, store, 4 * KIB),
              usPerMiB: usPerMiB + measure.copy(store, store, MIB),
            },
          };
        } catch (error) {
          return {
            works: false,
            reason: (error as Error).message,
            hint: "It takes a kernel with EROFS and its compression.",
          };
        }
      },

      place(file: FileEntry) {
        file.copy();
      },

      async compose(job: Job) {
        const program = host.findProgram("mkfs.erofs");
        const kept = await host.keep(job, async (directory) => {
          if (program === undefined) throw host.unsupported("mkfs.erofs is not installed any more");
          const target = `${directory}/tree`;
          fs.mkdir(target);
          await host.materialize({ ...job, target, writable: [] });
          await makeImage(program, `${directory}/image.erofs`, target, job.signal);
          fs.removeTree(target);
        });
        const image = `${kept.path}/image.erofs`;
        using mount = mounts.erofs(image);
        mount.attach(job.target);
        return { notes: { image, made: kept.made ? "now" : "before" } };
      },

      release({ target }: Composition) {
        mounts.unmount(target);
      },
    };
  },
};

export default plugin;
