/**
 * Snapshots: the first composition of a tree makes a btrfs subvolume of it, which is kept in the store; every composition is a snapshot of
 * that. One call into the kernel, whatever the size of the tree, and as isolated as a copy.
 *
 * The call commits a transaction, so that it costs what an fsync costs. The subvolume is built as reflink builds a directory: its contents
 * share their extents with the store.
 *
 * The numbers are those of the kernel's include/uapi/linux/btrfs.h; btrfs-ioctl(2) describes the calls.
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
} from "../src/strategy/plugin.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Files larger than this are cloned; smaller ones are copied. See reflink. */
const COPIED = 4 * KIB;

const BTRFS_IOC_SUBVOL_CREATE = 0x5000940e;
const BTRFS_IOC_SNAP_DESTROY = 0x5000940f;
const BTRFS_IOC_SNAP_CREATE_V2 = 0x50009417;
const BTRFS_IOC_SUBVOL_SETFLAGS = 0x4008941a;
const BTRFS_SUBVOL_RDONLY = 2n;

const [ENOENT, EXDEV, ENOTTY] = [2, 18, 25];

const traits: Traits = {
  result: "directory",
  access: ["ro", "rw"],
  isolation: "full",
  survivesReboot: true,
  privilege: "none",
  integrity: false,
  upper: false,
  keeps: "subvolume",
};

/** struct btrfs_ioctl_vol_args: a name. */
function volumeArguments(name: string): Uint8Array {
  const bytes = new Uint8Array(4096);
  new TextEncoder().encodeInto(name, bytes.subarray(8, -1));
  return bytes;
}

/** struct btrfs_ioctl_vol_args_v2: the subvolume that a snapshot is to be of, flags, and a name. */
function snapshotArguments(source: number, flags: bigint, name: string): Uint8Array {
  const bytes = new Uint8Array(4096);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(source), true);
  view.setBigUint64(16, flags, true);
  new TextEncoder().encodeInto(name, bytes.subarray(56, -1));
  return bytes;
}

function reasonOf(error: unknown): string {
  const { errno, message } = error as { errno?: number; message: string };
  if (errno === ENOTTY) return "the store is not on btrfs";
  if (errno === EXDEV) return "store and target are on two filesystems";
  return message;
}

/** What is so of every snapshot of a subvolume: all its content is shared, and what was left out of it for want of rights is. */
function notesOf({ notes = {} }: Made): Record<string, string | number> {
  const { clonedBytes = 0, copiedBytes = 0 } = notes;
  const skipped = Object.entries(notes).filter(([note]) => note.startsWith("skipped"));
  return { clonedBytes: Number(clonedBytes) + Number(copiedBytes), ...Object.fromEntries(skipped) };
}

const plugin: Plugin = {
  apiVersion: 1,
  name: "btrfs-snapshot",
  summary:
    "keeps a btrfs subvolume of each image, and makes snapshots of it: one call, whatever the size",

  create(host: Host): Strategy {
    const { fs } = host;

    function opened<Result>(path: string, use: (directory: number) => Result): Result {
      const directory = fs.openDirectory(path);
      try {
        return use(directory);
      } finally {
        fs.close(directory);
      }
    }

    /** Calls with the directory that holds a path, and the path's name in it. */
    function inParent<Result>(path: string, use: (parent: number, name: string) => Result): Result {
      const slash = path.lastIndexOf("/");
      return opened(path.slice(0, slash) || "/", (parent) => use(parent, path.slice(slash + 1)));
    }

    function createSubvolume(path: string): void {
      inParent(path, (parent, name) => {
        host.ioctl(parent, BTRFS_IOC_SUBVOL_CREATE, volumeArguments(name));
      });
    }

    function snapshot(from: string, to: string, readOnly: boolean): void {
      const flags = readOnly ? BTRFS_SUBVOL_RDONLY : 0n;
      opened(from, (source) =>
        inParent(to, (parent, name) => {
          host.ioctl(parent, BTRFS_IOC_SNAP_CREATE_V2, snapshotArguments(source, flags, name));
        }));
    }

    /** Removes a subvolume, or a directory that is in its place; one that is not there is no error. */
    function destroy(path: string): void {
      try {
        inParent(path, (parent, name) => {
          host.ioctl(parent, BTRFS_IOC_SNAP_DESTROY, volumeArguments(name));
        });
      } catch (error) {
        // Other filesystems do not know the call, whatever is there or not.
        if ((error as { errno?: number }).errno === ENOENT || !fs.exists(path)) return;
        // No subvolume, or one with others inside, or no right to remove one that is not empty: that takes the mount option
        // user_subvol_rm_allowed.
        makeWritable(path);
        host.removeContents(path);
        fs.rmdir(path);
      }
    }

    /** Only what is no subvolume, or not this user's, cannot have this; then what comes next says so. */
    function makeWritable(path: string): void {
      try {
        opened(path, (it) => host.ioctl(it, BTRFS_IOC_SUBVOL_SETFLAGS, new Uint8Array(8)));
      } catch {
        return;
      }
    }

    function tryOut({ store, target, access }: Site): number {
      const readOnly = access === "ro";
      const source = `${store}/subvolume`;
      createSubvolume(source);
      fs.write(`${source}/file`, new Uint8Array([1]));
      let made = 0;
      const next = () => snapshot(source, `${target}/${made++}`, readOnly);
      try {
        next();
        if (fs.read(`${target}/0/file`)[0] !== 1) throw new Error("a snapshot shows another file");
        return host.measure.time(next) / 1000;
      } finally {
        for (let i = 0; i < made; i++) destroy(`${target}/${i}`);
      }
    }

    return {
      traits,

      probe(site: Site): Verdict {
        const { measure } = host;
        try {
          const fixedMs = tryOut(site);
          const { store } = site;
          const small = measure.copy(store, store, 2 * KIB);
          const clone = measure.clone(store, store, 64 * KIB);
          const large = measure.clone(store, store, MIB);
          return {
            works: true,
            // A commit has also to write what others have changed.
            cost: {
              fixedMs: fixedMs + 2.4,
              msPerLayer: 0,
              usPerDirectory: 0,
              usPerFile: 0,
              usPerMiB: 0,
            },
            // As reflink, and one more commit.
            keepCost: {
              fixedMs,
              msPerLayer: 0,
              usPerDirectory: measure.directory(store),
              // What is kept is synced to disk.
              usPerFile: 1.5 * small,
              usPerLarge: Math.max(0, clone - small),
              usPerMiB: Math.max(0, large - clone),
            },
          };
        } catch (error) {
          return {
            works: false,
            reason: reasonOf(error),
            hint: "Keep store and target on one btrfs filesystem.",
          };
        }
      },

      place(file: FileEntry) {
        if (file.size <= COPIED) file.copy();
        else file.clone();
      },

      async compose(job: Job) {
        const kept = await host.keep(job, async (directory) => {
          const target = `${directory}/root`;
          createSubvolume(target);
          const made = await host.materialize({ ...job, target, writable: [] });
          const notes = JSON.stringify(notesOf(made));
          fs.write(`${directory}/notes.json`, new TextEncoder().encode(notes));
        });
        const notes = new TextDecoder().decode(fs.read(`${kept.path}/notes.json`));
        // A snapshot is a new name; so it takes the target's place.
        fs.rmdir(job.target);
        snapshot(`${kept.path}/root`, job.target, job.access === "ro");
        return { notes: { subvolume: kept.made ? "made" : "kept", ...JSON.parse(notes) } };
      },

      release({ target }: Composition) {
        destroy(target);
      },
    };
  },
};

export default plugin;
