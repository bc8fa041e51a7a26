/**
 * composefs: the tree is one EROFS image of metadata, mounted by the kernel; content comes out of the store's objects, by an overlay with a
 * data-only layer. One mount however many layers there are, and with fs-verity every byte is checked against the image's digest as it is
 * read.
 *
 * Without root's rights it cannot work: the kernel mounts no EROFS in a user namespace.
 *
 * @module
 */

import type {
  Composition,
  Host,
  Job,
  Plugin,
  Site,
  Strategy,
  Traits,
  Verdict,
} from "../src/strategy/plugin.ts";

const traits: Traits = {
  result: "mount",
  access: ["ro", "rw"],
  isolation: "full",
  survivesReboot: false,
  privilege: "mount",
  integrity: true,
  layouts: true,
  upper: true,
  idmap: true,
};

/** As mount.composefs has them: the image's xattrs redirect to objects, which stand in for whole files (metacopy). */
const OPTIONS = { metacopy: "on", redirect_dir: "on" } as const;

/** Milliseconds by which more code is loaded than for a plain overlay, where the kernel mounts the image's file itself or not. */
const LOADING = { byFile: 0.15, byLoop: 0.75 } as const;

const plugin: Plugin = {
  apiVersion: 1,
  name: "composefs",
  summary:
    "mounts the whole tree as one EROFS image over the content objects; can check every byte",

  create(host: Host): Strategy {
    const { fs, mounts } = host;

    /** What overlayfs must check of what it reads. */
    function verityOf(job: Job): Record<string, string> {
      if (job.verity === "off") return {};
      const obstacle = host.seal(job);
      if (obstacle === undefined) return { verity: "require" };
      if (job.verity === "try") return {};
      throw host.unsupported(`content cannot be checked while it is read: ${obstacle}`, {
        hint: "Keep the store on ext4 or btrfs with fs-verity, or ask for --verity try.",
      });
    }

    /** What somebody could do where the kernel's way is closed, with the programs that are installed. */
    function otherWays(): string {
      const composefs = host.findProgram("composefs-fuse");
      const erofs = host.findProgram("erofsfuse");
      if (composefs !== undefined) {
        return `${composefs} is installed: by FUSE it mounts an image of the store's trees/ with its objects, read-only. ` +
          "lamina does not use it by itself.";
      }
      if (erofs !== undefined) {
        return `${erofs} is installed: by FUSE it shows the metadata of an image of the store's trees/, not its contents.`;
      }
      return "Neither composefs-fuse nor erofsfuse is installed, which could show an image by FUSE.";
    }

    function tryOut(site: Site): number {
      const { idmap, access } = site;
      const sample = host.sample(site.store);
      const [upper, work] = [`${site.upper}/upper`, `${site.upper}/work`];
      const rw = access === "rw";
      if (rw) [upper, work].forEach((directory) => fs.mkdir(directory));
      let byLoop = false;
      const open = () => {
        using image = mounts.erofs(sample.image, { idmap });
        byLoop = image.byLoop;
        return mounts.overlay({
          lower: [image.fd],
          data: [sample.objects],
          ...(rw ? { upper, work } : {}),
          options: OPTIONS,
          readOnly: !rw,
        });
      };
      {
        using mount = open();
        const read = fs.read(`${mount.path}/${sample.file}`);
        if (
          read.length !== sample.content.length ||
          read.some((byte, at) => byte !== sample.content[at])
        ) {
          throw new Error("the overlay shows other content than the object's");
        }
      }
      const warm = host.measure.time(open, (mount) => mount[Symbol.dispose]()) / 1000;
      return warm + (byLoop ? LOADING.byLoop : LOADING.byFile);
    }

    return {
      traits,

      probe(site: Site): Verdict {
        if (!mounts.allowed() || !site.native) {
          return {
            works: false,
            reason: site.native
              ? "this process may not mount"
              : "the kernel mounts no EROFS without root's rights",
            hint:
              `Run it as root; otherwise reflink, hardlink or copy serve, or overlay in a user namespace. ${otherWays()}`,
          };
        }
        try {
          const fixedMs = tryOut(site);
          return {
            works: true,
            cost: {
              fixedMs,
              msPerLayer: 0,
              usPerDirectory: 0,
              usPerFile: 0,
              usPerMiB: 0,
            },
          };
        } catch (error) {
          return {
            works: false,
            reason: (error as Error).message,
            hint: `It takes EROFS, and overlayfs with metacopy and redirect_dir. ${otherWays()}`,
          };
        }
      },

      compose(job: Job) {
        const verity = verityOf(job);
        // The overlay keeps its own references: the images' mounts are seen nowhere.
        using images = new DisposableStack();
        const { idmap } = job;
        const lower = job.images
          .map(({ path }) => images.use(mounts.erofs(path, { idmap })).fd)
          .reverse();
        host.mountStack(job, {
          lower,
          data: [job.objects],
          options: { ...OPTIONS, ...verity },
        });
        return { notes: { images: lower.length, verity: "verity" in verity ? "require" : "off" } };
      },

      release(composition: Composition) {
        host.unmountStack(composition);
      },
    };
  },
};

export default plugin;
