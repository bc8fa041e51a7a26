/**
 * The store: the directory that holds everything.
 *
 * @module
 */

import { resolve } from "@std/path";
import { LaminaError } from "../error.ts";
import { FileLock, privileges } from "../linux/mod.ts";
import { userDirectory } from "../user_directory.ts";
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
import { StoreLock, unlessReadOnly, wait } from "./store_lock.ts";
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
  readonly #lock: StoreLock;

  private constructor(layout: Layout, native: boolean) {
    this.layout = layout;
    this.native = native;
    this.#lock = new StoreLock(layout);
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
    const data = userDirectory("XDG_DATA_HOME");
    if (data === undefined) {
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
    const format = readOwn(layout) ?? (options?.create ? createStore(layout) : undefined);
    if (format === undefined) {
      throw new LaminaError("not-found", `opening the store: there is none at ${layout.root}`, {
        hint: "lamina pull makes one; or name another with --root.",
      });
    }
    return new Store(layout, !format.incompat.includes(ROOTLESS));
  }

  /**
   * Shares the store with pulls and compositions, for moments, and keeps the collector out. First clears what a killed process left in
   * tmp/, if nobody else is at work.
   */
  shared(): Disposable {
    this.clear();
    return this.#lock.shared();
  }

  /**
   * Like {@link shared}, but does not block the thread: for who has other things to do while somebody has the store alone.
   *
   * @throws The signal's reason.
   */
  async sharing(signal?: AbortSignal): Promise<Disposable> {
    this.clear();
    return await this.#lock.sharing(signal);
  }

  /**
   * Like {@link shared}, for what takes long: whoever waits to have the store alone has it first. Leaves tmp/ as it is: see {@link clear}.
   *
   * @throws The signal's reason.
   */
  async working(signal?: AbortSignal): Promise<Disposable> {
    return await this.#lock.working(signal);
  }

  /** Clears what was left in tmp/ by what failed or was killed, if nobody is at work. */
  clear(): void {
    if (listDirectory(this.layout.tmp).length === 0) return;
    using tmp = FileLock.tryExclusive(this.layout.tmpLock);
    using alone = tmp && this.tryAlone();
    if (alone !== undefined) clearLeftovers(this.layout);
  }

  /** Is the one who removes what is in tmp/, while others go on in the store. Waits for the one who is. */
  async removing(signal?: AbortSignal): Promise<Disposable> {
    return await wait(() => FileLock.tryExclusive(this.layout.tmpLock), signal);
  }

  /** Like {@link removing}, for who only wants to know what would be removed: also where the store is read-only. */
  async reviewing(signal?: AbortSignal): Promise<Disposable> {
    const { tmpLock } = this.layout;
    return await wait(() => unlessReadOnly(() => FileLock.tryExclusive(tmpLock)), signal);
  }

  /** Has the store alone, but leaves tmp/; hold {@link removing}. Waits for those who share it; who comes later waits. */
  async alone(signal?: AbortSignal): Promise<Disposable> {
    return await this.#lock.alone(signal);
  }

  /** Like {@link alone}, or undefined where others share the store. */
  tryAlone(): Disposable | undefined {
    return this.#lock.tryAlone();
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

function readOwn(layout: Layout): ReturnType<typeof readFormat> {
  try {
    return readFormat(layout.format);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.PermissionDenied)) throw cause;
    throw new LaminaError(
      "failed",
      `opening the store: ${layout.root}: permission denied (EACCES)`,
      {
        cause,
        hint: "It is another user's: be that user, or name a store of your own with --root.",
      },
    );
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
