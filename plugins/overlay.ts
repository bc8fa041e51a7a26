/**
 * overlayfs: the layers stay where they are and are shown as one tree; what is written goes to an upper directory. One mount, whose
 * cost grows with the number of layers only.
 *
 * The options, where the kernel's defaults depend on its configuration or on the mount:
 *
 * - `index=off`: an index keeps hard links together when they are written to, but ties an upper directory to its layers for ever.
 * - `metacopy=off`: an upper directory holds whole files, so that it means something without its layers. Layers that have contents in a place apart
 *   need `on`, with data-only layers (Linux 6.5).
 * - `redirect_dir`: `on` where directories can be written, or renaming one that a layer has would fail (EXDEV); `nofollow` else.
 *   Without `trusted.*` xattrs, so in a user namespace, it is not allowed at all.
 * - `xino=auto`: inode numbers are unique where they can be made so without risk.
 *
 * `volatile` is not used: it would spare a sync at release, and cost the upper directory at a crash.
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

type Options = Record<string, string | true>;

const plugin: Plugin = {
  apiVersion: 1,
  name: "overlay",
  summary:
    "mounts the layers as one tree by overlayfs, with an upper directory for what is written",

  create(host: Host): Strategy {
    const { fs, mounts } = host;

    const traits: Traits = {
      result: "mount",
      access: ["ro", "rw"],
      isolation: "full",
      survivesReboot: false,
      privilege: "mount",
      integrity: false,
      upper: true,
      idmap: true,
      // One is for the layer that lamina may add to make the stack show the tree.
      maxLayers: mounts.maxLower - 1,
    };

    function optionsFor(native: boolean, writable: boolean, data: boolean): Options {
      const options: Options = { index: "off", metacopy: data ? "on" : "off", xino: "auto" };
      if (!native) return { ...options, userxattr: true };
      return { ...options, redirect_dir: writable || data ? "on" : "nofollow" };
    }

    /** The lower directories, as they are or as mounts that show other owners. */
    function lowerOf(paths: readonly string[], idmap: number | undefined, stack: DisposableStack) {
      if (idmap === undefined) return paths;
      return paths.map((path) => stack.use(mounts.directory(path, { idmap })).fd);
    }

    function tryOut(site: Site): number {
      const { store, upper: base, native, access, data: apart } = site;
      using opened = new DisposableStack();
      const paths = [`${store}/above`, `${store}/below`];
      for (const directory of paths) fs.mkdir(directory);
      const lower = lowerOf(paths, site.idmap, opened);
      fs.write(`${store}/below/file`, new Uint8Array([1]));
      const rw = access === "rw";
      const [upper, work] = [`${base}/upper`, `${base}/work`];
      if (rw) [upper, work].forEach((directory) => fs.mkdir(directory));
      const options = optionsFor(native, rw, apart);
      const data = apart ? [`${store}/data`] : [];
      data.forEach((directory) => fs.mkdir(directory));
      const spec = { ...(rw ? { upper, work } : {}), lower, data, options, readOnly: !rw };
      {
        using mount = mounts.overlay(spec);
        const file = `${mount.path}/file`;
        // A file of a layer is copied up when it is written, and leaves a whiteout when it is removed.
        if (rw) fs.write(file, new Uint8Array([2]));
        if (fs.read(file)[0] !== (rw ? 2 : 1)) throw new Error("the overlay shows another file");
        if (rw) fs.unlink(file);
      }
      // Only mounting counts: unmounting syncs the filesystem of the upper directory.
      return host.measure.time(() => mounts.overlay(spec), (it) => it[Symbol.dispose]()) / 1000;
    }

    return {
      traits,

      probe(site: Site): Verdict {
        if (!mounts.allowed()) {
          return {
            works: false,
            reason: "this process may not mount",
            hint: "Run it as root, or in a user and mount namespace: unshare -Urm lamina …",
          };
        }
        try {
          const fixedMs = tryOut(site);
          // By code that was just loaded, as each is opened; by compiled code it is a sixth.
          const cost = { msPerLayer: 0.045, usPerDirectory: 0, usPerFile: 0, usPerMiB: 0 };
          return { works: true, cost: { fixedMs, ...cost } };
        } catch (error) {
          return {
            works: false,
            reason: (error as Error).message,
            hint:
              "Upper directories cannot be on overlayfs or most network filesystems: try --upper tmpfs.",
          };
        }
      },

      compose(job: Job) {
        const layers = job.fixup === undefined ? job.layers : [...job.layers, job.fixup];
        // overlayfs takes no directory twice. Of a layer that comes again the lower place changes nothing: all that it says, the upper one says.
        const paths = [...new Set(layers.map((layer) => layer.path).reverse())];
        // The overlay keeps its own references.
        using opened = new DisposableStack();
        const lower = lowerOf(paths, job.idmap, opened);
        const data = [...new Set(layers.flatMap((layer) => layer.data ?? []))];
        const options = optionsFor(job.native, job.access === "rw", data.length > 0);
        host.mountStack(job, { lower, data, options });
        return { notes: { lowerDirectories: lower.length, dataDirectories: data.length } };
      },

      release(composition: Composition) {
        host.unmountStack(composition);
      },
    };
  },
};

export default plugin;
