/**
 * The store: the directory that holds everything.
 *
 * @module
 */

import { resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import { FileLock, privileges } from "../linux/mod.ts";
import { listDirectory, syncFilesystem } from "./atomic.ts";
import { Chains } from "./chains.ts";
import { Compositions } from "./compositions.ts";
import { readFormat, ROOTLESS, writeFormat } from "./format.ts";
import { clearLeftovers } from "./gc/leftovers.ts";
import { Images } from "./images.ts";
import { Layers } from "./layers.ts";
import { Layout } from "./layout.ts";
import { Leases } from "./leases.ts";
import { Names } from "./names.ts";
import { Staging } from "./staging.ts";
import { Trees } from "./trees.ts";

/** A store on disk. Opening it costs one small read; what it holds is read when asked for. */
export class Store {
  /** Where things are. */
  readonly layout: Layout;
  /** The layers. */
  readonly layers: Layers;
  /** The names of images. */
  readonly names: Names;
  /** The images. */
  readonly images: Images;
  /** The merged trees. */
  readonly trees: Trees;
  /** The trees of stacks of layers that images share. */
  readonly chains: Chains;
  /** What callers keep images by. */
  readonly leases: Leases;
  /** The compositions on record. */
  readonly compositions: Compositions;
  /**
   * Whether layers are stored with their true owners, devices and `trusted.*` xattrs, which takes root's rights; else they are the
   * user's own files, with the truth in their indexes.
   */
  readonly native: boolean;

  private constructor(layout: Layout, native: boolean) {
    this.layout = layout;
    this.native = native;
    this.layers = new Layers(layout);
    this.names = new Names(layout);
    this.images = new Images(layout, this.names);
    this.trees = new Trees(layout, this.layers, native);
    this.chains = new Chains(layout, this.layers, this.images, this.trees);
    this.leases = new Leases(layout);
    this.compositions = new Compositions(layout);
  }

  /** Absolute path of its directory. */
  get root(): string {
    return this.layout.root;
  }

  /** Where the store is when nobody says: `$LAMINA_ROOT`, else /var/lib/lamina as root, else `$XDG_DATA_HOME/lamina`. */
  static defaultRoot(): string {
    const named = Deno.env.get("LAMINA_ROOT");
    if (named) return resolve(named);
    if (Deno.uid() === 0) return "/var/lib/lamina";
    const data = Deno.env.get("XDG_DATA_HOME") || `${Deno.env.get("HOME") ?? ""}/.local/share`;
    if (!data.startsWith("/")) {
      throw new LaminaError("usage", "finding the store: neither HOME nor XDG_DATA_HOME is set", {
        hint: "Name it with --root or LAMINA_ROOT.",
      });
    }
    return `${data}/lamina`;
  }

  /**
   * Opens a store.
   *
   * @param root Its directory.
   * @param options `create`: make it where there is none (its directory is then missing or empty).
   * @throws {LaminaError} `not-found` where there is none, `unsupported` for a format or feature that is not known.
   */
  static open(root: string = Store.defaultRoot(), options?: { readonly create?: boolean }): Store {
    const layout = new Layout(resolve(root));
    const format = readFormat(layout.format) ?? (options?.create ? createStore(layout) : undefined);
    if (format === undefined) {
      throw new LaminaError("not-found", `opening the store: there is none at ${layout.root}`, {
        hint: "lamina pull makes one; or name another with --root.",
      });
    }
    return new Store(layout, !format.incompat.includes(ROOTLESS));
  }

  /**
   * Shares the store with pulls and compositions and keeps the collector out. First clears what a killed process left in tmp/, if nobody
   * else is at work.
   */
  shared(): Disposable {
    this.clear();
    return FileLock.shared(this.layout.storeLock);
  }

  /** Clears what was left in tmp/ by what failed or was killed, if nobody is at work. */
  clear(): void {
    if (listDirectory(this.layout.tmp).length === 0) return;
    using tmp = FileLock.tryExclusive(this.layout.tmpLock);
    using alone = tmp && FileLock.tryExclusive(this.layout.storeLock);
    if (alone !== undefined) clearLeftovers(this.layout);
  }

  /** Has the store alone, and clears tmp/: nothing in it can be in use. Waits for those who share it. */
  exclusive(): Disposable {
    using locks = new DisposableStack();
    locks.use(FileLock.exclusive(this.layout.tmpLock));
    locks.use(FileLock.exclusive(this.layout.storeLock));
    clearLeftovers(this.layout);
    return locks.move();
  }

  /** Is the one who removes what is in tmp/, while others go on in the store. Waits for the one who is. */
  async removing(signal?: AbortSignal): Promise<Disposable> {
    return await waitExclusive(this.layout.tmpLock, signal);
  }

  /** Has the store alone, but leaves tmp/; hold {@link removing}. Waits for those who share it. */
  async alone(signal?: AbortSignal): Promise<Disposable> {
    return await waitExclusive(this.layout.storeLock, signal);
  }

  /** Like {@link alone}, or undefined where others share the store. */
  tryAlone(): Disposable | undefined {
    return FileLock.tryExclusive(this.layout.storeLock);
  }

  /** A new directory to make something in; hold {@link shared} as long as it is used. */
  staging(): Staging {
    return new Staging(this.layout.tmp);
  }

  /** Makes all that was written to the store's filesystem durable (syncfs(2)). */
  sync(): void {
    syncFilesystem(this.layout.root);
  }
}

/** Longest time between two looks at a lock that others hold, in milliseconds. */
const PATIENCE = 100;

/** Waits for a lock, while timers and signals run. */
async function waitExclusive(path: string, signal: AbortSignal | undefined): Promise<FileLock> {
  for (let pause = 1;; pause = Math.min(PATIENCE, pause * 2)) {
    signal?.throwIfAborted();
    const lock = FileLock.tryExclusive(path);
    if (lock !== undefined) return lock;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

function createStore(layout: Layout): ReturnType<typeof writeFormat> {
  const there = listDirectory(layout.root);
  const ours = new Set(
    [...layout.directories, layout.format].map((path) => path.slice(layout.root.length + 1)),
  );
  const foreign = there.find((name) => !ours.has(name));
  if (foreign !== undefined) {
    throw new LaminaError(
      "usage",
      `making a store: ${layout.root} is not empty (it holds ${foreign}) and is not a store`,
      {
        hint: "Name a new or empty directory with --root.",
      },
    );
  }
  Deno.mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  // 0700 also where the directory was there: nobody else may reach a setuid file in it.
  Deno.chmodSync(layout.root, 0o700);
  for (const directory of layout.directories) Deno.mkdirSync(directory, { recursive: true });
  for (let byte = 0; byte < 256; byte++) {
    Deno.mkdirSync(`${layout.objects}/${byte.toString(16).padStart(2, "0")}`, { recursive: true });
  }
  // The format is written last: a directory without it is not a store yet, and the next `create` goes on from here.
  const { initUserNamespace, capSysAdmin, capMknod, capChown } = privileges();
  const native = initUserNamespace && capSysAdmin && capMknod && capChown;
  return writeFormat(layout.format, native ? [] : [ROOTLESS], layout.tmp);
}
