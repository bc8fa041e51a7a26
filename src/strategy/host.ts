/**
 * What plugins are given.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  check,
  close,
  copyAll,
  EEXIST,
  ENOENT,
  Fd,
  ficlone,
  ioctl,
  mkdirat,
  O_CREAT,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  openat,
  readDirectory,
  removeTree,
  Stat,
  statx,
  unlinkat,
  writeAll,
} from "../linux/mod.ts";
import { VERSION } from "../version.ts";
import type { Store } from "../store/mod.ts";
import { keep } from "./keep.ts";
import type { PluginSource } from "./loading/source.ts";
import { applyRoot, materialize } from "./materialize/materialize.ts";
import type { Helper } from "./materialize/team.ts";
import { createMeasure } from "./measure.ts";
import { mounts } from "./mounts.ts";
import { findProgram } from "./programs.ts";
import { writeSample } from "./sample.ts";
import { seal } from "./seal.ts";
import { mountStack, unmountStack } from "./stack.ts";
import type { Files, Host, Job, Kept, Made, MaterializeOptions, Strategy } from "./plugin.ts";

/** What a host is made for: all of it is for {@link Host.materialize} and {@link Host.keep}. */
export interface HostOptions {
  /** The store, and the plugin's name, of {@link Host.keep}; without them that is refused. */
  readonly keeper?: { readonly store: Store; readonly plugin: string };
  /** The plugin, for other threads to load; without it {@link Host.materialize} is refused. */
  readonly plugin?: PluginSource;
  /** A second thread for the first {@link Host.materialize}. */
  readonly helper?: Helper;
  readonly signal?: AbortSignal;
  /** Called now and then with entries done and entries in all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A {@link Host}, and what binds it to the strategy that it is for. */
export interface BoundHost extends Host {
  /** Says whose {@link Strategy.place} is to be called, and whose {@link Traits.keeps} counts. */
  bind(strategy: Strategy): void;
}

/** Makes a host for one plugin. */
export function createHost(options: HostOptions = {}): BoundHost {
  let bound: Strategy | undefined;
  let { helper } = options;
  return {
    version: VERSION,
    bind(strategy: Strategy): void {
      bound = strategy;
    },
    async materialize(job: Job, how: MaterializeOptions = {}): Promise<Made> {
      const { plugin, signal, onProgress } = options;
      const strategy = bound;
      if (plugin === undefined || strategy?.place === undefined) {
        throw new LaminaError("failed", "materialize was called by a strategy without place()", {
          hint: "Tell the author of the plugin.",
        });
      }
      const place = strategy.place.bind(strategy);
      const surroundings = { plugin, helper, signal, onProgress };
      helper = undefined;
      return await materialize(job, how, place, surroundings);
    },
    async keep(job: Job, make: (directory: string) => void | Promise<void>): Promise<Kept> {
      const { keeper, signal } = options;
      const form = bound?.traits.keeps;
      if (keeper === undefined || form === undefined) {
        throw new LaminaError("failed", "keep was called by a strategy whose traits keep nothing", {
          hint: "Tell the author of the plugin.",
        });
      }
      const keepsake = { tree: job.tree.digest, plugin: keeper.plugin, form };
      return await keep(keeper.store, keepsake, make, signal);
    },
    applyRoot,
    removeContents,
    mountStack,
    unmountStack,
    seal,
    sample: writeSample,
    findProgram,
    unsupported: (message, options) => new LaminaError("unsupported", message, options),
    mounts,
    fs: files,
    ioctl(fd: number, request: number, argument: Uint8Array | null): number {
      return check(ioctl(fd, request, argument), "ioctl", `0x${request.toString(16)}`);
    },
    measure: createMeasure(),
  };
}

/** Removes all that a directory holds, see {@link plugin!Host.removeContents}. */
export function removeContents(path: string): void {
  const n = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (n === -ENOENT) return;
  using directory = Fd.adopt(check(n, "open", path));
  for (const { name } of readDirectory(directory.n)) removeTree(directory.n, name);
}

const files: Files = {
  openDirectory: (path) => Fd.open(path, O_RDONLY | O_DIRECTORY).release(),
  close: (fd) => void close(fd),
  clone: (target, source) => void check(ficlone(target, source), "FICLONE", ""),
  copy: copyAll,
  mkdir(path: string, mode = 0o755): boolean {
    const result = mkdirat(AT_FDCWD, path, mode);
    if (result === -EEXIST) return false;
    check(result, "mkdir", path);
    return true;
  },
  write(path: string, content: Uint8Array): void {
    using file = Fd.open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644);
    check(writeAll(file.n, content), "write", path);
  },
  read: (path) => Deno.readFileSync(path),
  exists: (path) => statx(AT_FDCWD, path, 0, new Stat()) === 0,
  unlink: (path) => void check(unlinkat(AT_FDCWD, path), "unlink", path),
  rmdir: (path) => void check(unlinkat(AT_FDCWD, path, AT_REMOVEDIR), "rmdir", path),
  removeTree: (path) => removeTree(AT_FDCWD, path),
};
