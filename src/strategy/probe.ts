/**
 * Probing: every strategy tries, on the very filesystems, what composing would take.
 *
 * @module
 */

import { AT_FDCWD, linkat, readMountTable, removeTree } from "../linux/mod.ts";
import type { Store } from "../store/mod.ts";
import { classOf, type Counts } from "./choice.ts";
import { type FilesystemId, identify } from "./filesystem.ts";
import { createHost } from "./host.ts";
import type { LoadedPlugin } from "./loader.ts";
import { asError, makeStrategy, verdictFault } from "./loading/shape.ts";
import { TookTooLong, tryPlugin } from "./loading/trial.ts";
import { threadsFor } from "./materialize/threads.ts";
import { Memory, type Positive, shortKey } from "./memory.ts";
import { mounts } from "./mounts.ts";
import type { Access, Cost, Host, Site, Strategy, Traits, Upper, Verdict } from "./plugin.ts";

/** Where a composition would be. */
export interface Place {
  /** An existing directory on the target's filesystem, in which scratch directories may be made. */
  readonly target: string;
  /** What will be done there. */
  readonly access: Access;
  /** Where writes would go; undefined: the store. A directory must exist. */
  readonly upper: Upper | undefined;
  /** Whether layers of the image have contents in a place apart, see {@link plugin!LayerDirectory.data}; default: no. */
  readonly data?: boolean;
  /** See {@link plugin!Job.idmap}. */
  readonly idmap?: number;
}

/** What the probe of one strategy found. */
export interface ProbeReport {
  /** The strategy's name. */
  readonly name: string;
  /** The plugin it is from. */
  readonly plugin: LoadedPlugin;
  /** What it is like on every host. */
  readonly traits: Traits;
  /** What was found. */
  readonly verdict: Verdict;
  /** Whether the verdict was remembered from an earlier probe since boot. */
  readonly remembered: boolean;
  /** What real compositions there took of this image, or else of others like it, as a multiple of their estimates; 1 when there were none. */
  readonly correction: number;
  /** Under what the verdict and the correction are remembered. */
  readonly keys: ProbeKeys;
}

/** Keys of {@link Memory}. */
export interface ProbeKeys {
  /** Of the verdict. */
  readonly verdict: string;
  /** Of the correction: of this image, then of all that are like it; see {@link Memory.correction}. */
  readonly corrections: readonly string[];
}

/** An image that estimates are for. */
export interface ProbedImage {
  /** Digest of its tree; undefined where there is none. */
  readonly tree: string | undefined;
  /** Its sizes. */
  readonly counts: Counts;
}

/** How to probe. */
export interface ProbeOptions {
  /** Ask again also what is remembered. */
  readonly fresh?: boolean;
  /** The image that will be composed: estimates are corrected by what it took before, or others like it. */
  readonly image?: ProbedImage;
  /** Name of scratch directories outside the store, so that it is known before they are there; a new one by default. */
  readonly scratch?: string;
  /** Called before scratch directories are made outside the store. */
  readonly beforeScratch?: () => void;
  /** A directory for a mount point named `memory`, for upper directories on tmpfs; without it they are taken to be in the store. */
  readonly workspace?: string;
  /** How long a probe may take before its strategy counts as one that does not work, in milliseconds; 10,000 by default. */
  readonly patience?: number;
}

/** Names of scratch directories in targets begin so. */
export const SCRATCH_PREFIX = ".lamina-probe-";

/** Probes strategies at a place. Hold the store's shared lock meanwhile. */
export async function probe(
  store: Store,
  place: Place,
  plugins: readonly LoadedPlugin[],
  options: ProbeOptions = {},
): Promise<ProbeReport[]> {
  const memory = new Memory(store.layout.cache);
  const ids = identities(store, place);
  using scratch = new Scratch(store, place, options);
  const found = new Map<string, Positive>();
  const measure = createHost().measure;
  const reports: ProbeReport[] = [];
  for (const plugin of plugins) {
    const keys = keysOf(plugin, store, place, ids, options.image);
    const strategy = create(plugin, { ...createHost(), measure });
    const known = options.fresh ? undefined : memory.verdict(keys.verdict);
    const verdict = known ??
      await ask(plugin, strategy, options.patience ?? 10_000, () => scratch.site(plugin.name));
    if (known === undefined && verdict.works) found.set(keys.verdict, verdict);
    reports.push({
      name: plugin.name,
      plugin,
      traits: strategy instanceof Error ? NO_TRAITS : strategy.traits,
      verdict,
      remembered: known !== undefined,
      correction: memory.correction(...keys.corrections),
      keys,
    });
  }
  memory.rememberVerdicts(found);
  return reports;
}

/** Of a plugin that does not even make a strategy. */
const NO_TRAITS: Traits = {
  result: "directory",
  access: [],
  isolation: "shared",
  survivesReboot: false,
  privilege: "none",
  integrity: false,
  upper: false,
};

function create(plugin: LoadedPlugin, host: Host): Strategy | Error {
  try {
    return makeStrategy(plugin.plugin, host);
  } catch (error) {
    return error as Error;
  }
}

const HINT = "Tell the author of the plugin.";

async function ask(
  { source }: LoadedPlugin,
  strategy: Strategy | Error,
  patience: number,
  site: () => Site,
): Promise<Verdict> {
  const no = (reason: string): Verdict => ({ works: false, reason, hint: HINT });
  if (strategy instanceof Error) return no(strategy.message);
  try {
    const at = site();
    // An outside plugin's probe might never end, and hold up this thread.
    const returned = source.code === undefined
      ? await soon(strategy.probe(at), patience)
      : await tryPlugin(source, patience, at);
    const fault = verdictFault(returned);
    return fault === undefined
      ? withLoading(returned as Verdict, strategy, at)
      : no(`its probe gave no verdict: ${fault}`);
  } catch (error) {
    if (error instanceof TookTooLong) return no(`its probe took too long: ${error.message}`);
    return no(`its probe failed: ${asError(error).message}`);
  }
}

async function soon<T>(work: T | Promise<T>, patience: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TookTooLong(patience)), patience);
  });
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * What composing takes beside what a probe measures, which makes the same calls over and over. Code that was just loaded is compiled, and
 * functions of libc are looked up: in milliseconds, of which a walk has most. A walk also reads the tree, and finds each entry's layer: in
 * microseconds. Measured on 2 processors (AMD EPYC), quiet; see `bench/README.md`.
 */
export const LOADING = {
  walk: 12,
  walkPerDirectory: 18,
  walkPerFile: 6,
  other: 0.85,
  /** Where there is an upper directory: it is made, and given the root's metadata. */
  upper: 1.6,
} as const;

/** What is left of a walk's time where two threads share it. */
const SHARED = 0.58;

function withLoading(verdict: Verdict, { place, traits }: Strategy, site: Site): Verdict {
  if (!verdict.works) return verdict;
  const { cost, keepCost } = verdict;
  const walk = (cost: Cost): Cost => ({
    ...cost,
    fixedMs: cost.fixedMs + LOADING.walk,
    usPerDirectory: cost.usPerDirectory + LOADING.walkPerDirectory,
    usPerFile: cost.usPerFile + LOADING.walkPerFile,
    shared: threadsFor(site.target) > 1 ? SHARED : 1,
  });
  const walks = place !== undefined;
  const upper = traits.result === "mount" && site.access === "rw";
  const other = (cost: Cost): Cost => ({
    ...cost,
    fixedMs: cost.fixedMs + LOADING.other + (upper ? LOADING.upper : 0),
  });
  // What is kept was walked once.
  if (traits.keeps === undefined) return { ...verdict, cost: walks ? walk(cost) : other(cost) };
  return {
    ...verdict,
    cost: other(cost),
    keepCost: keepCost === undefined || !walks ? keepCost : walk(keepCost),
  };
}

interface Identities {
  readonly store: FilesystemId;
  readonly target: FilesystemId;
  readonly upper: string;
}

function identities(store: Store, place: Place): Identities {
  const mounts = readMountTable();
  const own = identify(store.root, mounts);
  const { upper } = place;
  return {
    store: own,
    target: identify(place.target, mounts),
    upper: upper === undefined
      ? own.key
      : upper.kind === "tmpfs"
      ? "tmpfs"
      : identify(upper.path, mounts).key,
  };
}

function keysOf(
  plugin: LoadedPlugin,
  store: Store,
  place: Place,
  ids: Identities,
  image: ProbedImage | undefined,
): ProbeKeys {
  const { file, code } = plugin.source;
  const version = `${plugin.name}@${plugin.version} ${file ?? ""} ${code?.digest ?? ""}`;
  const mounts = ids.store.mount === ids.target.mount ? "one mount" : "two mounts";
  const form = `${Deno.uid()} ${store.native}`;
  const where = `${version} | ${ids.store.key} | ${ids.target.key}`;
  const idmap = place.idmap === undefined ? "" : "idmap";
  const use = `${ids.upper} | ${place.access} ${place.data ? "data" : ""} ${idmap}`;
  const same = shortKey(`${where} | ${use}`);
  const alike = image === undefined ? [] : [image.tree ?? [], classOf(image.counts)].flat();
  return {
    verdict: `${where} | ${use} | ${mounts} | ${form}`,
    corrections: alike.map((key) => `${same} ${key}`),
  };
}

/** Scratch directories, made when a strategy needs them and removed when all is done. */
class Scratch implements Disposable {
  readonly #store: Store;
  readonly #place: Place;
  readonly #name: string;
  readonly #target: string;
  readonly #before: (() => void) | undefined;
  readonly #workspace: string | undefined;
  readonly #stack = new DisposableStack();
  #bases: { readonly store: string; readonly upper: string; readonly links: boolean } | undefined;

  constructor(store: Store, place: Place, options: ProbeOptions) {
    this.#store = store;
    this.#place = place;
    this.#name = options.scratch ?? SCRATCH_PREFIX + crypto.randomUUID();
    this.#target = `${place.target}/${this.#name}`;
    this.#before = options.beforeScratch;
    this.#workspace = options.workspace;
  }

  site(name: string): Site {
    const { store, upper, links } = this.#bases ??= this.#make();
    const own = (base: string, role: string) => {
      const path = `${base}/${name}-${role}`;
      Deno.mkdirSync(path, { mode: 0o700 });
      return path;
    };
    return {
      access: this.#place.access,
      store: own(store, "store"),
      target: own(this.#target, "target"),
      upper: own(upper, "upper"),
      sameFilesystem: links,
      native: this.#store.native,
      data: this.#place.data ?? false,
      idmap: this.#place.idmap,
    };
  }

  #make() {
    this.#before?.();
    const staging = this.#stack.use(this.#store.staging());
    this.#directory(this.#target);
    const upper = this.#makeUpper(staging.path);
    Deno.writeTextFileSync(`${staging.path}/link`, "");
    const links = linkat(AT_FDCWD, `${staging.path}/link`, AT_FDCWD, `${this.#target}/link`) === 0;
    return { store: staging.path, upper, links };
  }

  #makeUpper(staging: string): string {
    const { upper } = this.#place;
    if (upper?.kind === "directory") {
      const path = `${upper.path}/${this.#name}`;
      this.#directory(path);
      return path;
    }
    if (upper?.kind === "tmpfs" && this.#workspace !== undefined && mounts.allowed()) {
      const path = `${this.#workspace}/memory`;
      this.#directory(path);
      using tmpfs = mounts.tmpfs({ size: upper.size, mode: 0o700 });
      tmpfs.attach(path);
      this.#stack.defer(() => mounts.unmount(path));
      return path;
    }
    return staging;
  }

  #directory(path: string): void {
    Deno.mkdirSync(path, { mode: 0o700 });
    this.#stack.defer(() => removeTree(AT_FDCWD, path));
  }

  [Symbol.dispose](): void {
    this.#stack.dispose();
  }
}
