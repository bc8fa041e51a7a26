/**
 * Composing: the record first, then the work, then the record is ready; all undone where something fails or a signal comes.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import type { CompositionRecord, ImageRecord, Store, TreeLayout } from "../store/mod.ts";
import {
  type Choice,
  choose,
  type Counts,
  estimate,
  pays,
  type Request,
  type Row,
} from "./choice.ts";
import { checkTreeDigest } from "./expected_tree.ts";
import { createHost } from "./host.ts";
import { isKept } from "./keep.ts";
import { claimNew, clearUnrecorded, lockRecords, scratchName, sweep, undo } from "./lifecycle.ts";
import { type IdMap, openIdMap } from "./idmap.ts";
import type { LoadedPlugin } from "./loader.ts";
import { makeStrategy } from "./loading/shape.ts";
import { Helper } from "./materialize/team.ts";
import { processorLeft } from "./materialize/threads.ts";
import { bootId, Memory } from "./memory.ts";
import { mounts } from "./mounts.ts";
import type {
  Access,
  Isolation,
  Job,
  LayerDirectory,
  Made,
  Strategy,
  Upper,
  Verdict,
} from "./plugin.ts";
import { probe, type ProbeReport } from "./probe.ts";
import { hundredths, Stopwatch, type Timings, waited } from "./stopwatch.ts";
import { StoredTree } from "./stored_tree.ts";
import { canonicalTarget, checkTarget, type Target } from "./target.ts";

/** What is asked of {@link compose}. */
export interface ComposeOptions {
  /** The strategies that come into question. */
  readonly plugins: readonly LoadedPlugin[];
  /** The name that the image was asked for by, for the record. */
  readonly imageName?: string;
  /** A strategy's name; `auto` by default. */
  readonly strategy?: string;
  /** `rw` by default. */
  readonly access?: Access;
  /** `full` by default. */
  readonly isolation?: Isolation;
  /** Paths in the image; a leading `/` does not matter. */
  readonly writable?: readonly string[];
  /** Where writes go. A directory is made if it is not there. */
  readonly upper?: Upper;
  /** `off` by default. */
  readonly verity?: "off" | "try" | "require";
  /** How composefs has the tree's metadata: one image (`squashed`, the default), one a layer, or one for layers that images share. */
  readonly layout?: TreeLayout;
  /** How many stored images must share a chain of layers for `hybrid` to have it as an image; {@link store!SHARED_BY} by default. */
  readonly sharedBy?: number;
  /** The fs-verity digest that the composed tree must have; the tree is hashed again and compared. */
  readonly digest?: string;
  /** Shows the tree's owners as others, for a container with a user namespace; by mounts only. */
  readonly idmap?: IdMap;
  /** Only a mount point, or only a plain directory. */
  readonly result?: "mount" | "directory";
  /** Probe all strategies, also where one is asked for by name, so that {@link ComposeResult.rows} has all. */
  readonly explain?: boolean;
  /** Whether what it takes corrects later estimates; true by default. */
  readonly learn?: boolean;
  /** Threads that walk the tree, where the strategy does; as many as pay by default. */
  readonly threads?: 1 | 2;
  /** Stops it; what is half made is undone. */
  readonly signal?: AbortSignal;
  /** Called now and then with entries done and entries in all, by strategies that make many. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A composition that is ready. */
export interface ComposeResult {
  /** The composition's id. */
  readonly id: string;
  /** Absolute path of the mount point or directory. */
  readonly target: string;
  /** What it was made by. */
  readonly strategy: string;
  /** Why this strategy, in one sentence. */
  readonly why: string;
  /** What was made. */
  readonly result: "mount" | "directory";
  /** What the caller may do there. */
  readonly access: Access;
  /** What was expected, and what it took: the strategy's own work, in milliseconds. */
  readonly estimateMs: number;
  /** What the strategy's own work took, with reading the tree. */
  readonly milliseconds: number;
  /** Of {@link milliseconds}, those in which this thread had no processor because others did. Estimates leave them out. */
  readonly waited: number;
  /** Where the time of the whole composition went. */
  readonly timings: Timings;
  /** Facts worth showing; see {@link Made}. */
  readonly notes: Readonly<Record<string, string | number>>;
  /** The strategies that came into question, for `--explain`. */
  readonly rows: readonly Row[];
}

/**
 * Composes an image's root filesystem at a target.
 *
 * @throws {LaminaError} `exists`, `usage`, `not-found` for the target; `unsupported` where no strategy will do; what the strategy
 * throws; the signal's reason. Nothing is left of the composition then.
 */
export async function compose(
  store: Store,
  image: ImageRecord,
  target: string,
  options: ComposeOptions,
): Promise<ComposeResult> {
  const { result, lock } = await composeClaimed(store, image, target, "ready", options);
  lock[Symbol.dispose]();
  return result;
}

/**
 * Composes as {@link compose} does, and keeps the composition's lock.
 *
 * @param state What the composition is then: with `held` it belongs to whoever has the lock.
 */
export async function composeClaimed(
  store: Store,
  image: ImageRecord,
  target: string,
  state: "ready" | "held",
  options: ComposeOptions,
): Promise<{ readonly result: ComposeResult; readonly lock: Disposable }> {
  options.signal?.throwIfAborted();
  const watch = new Stopwatch();
  checkTreeDigest(store, image, options);
  const request = requestOf(options);
  using idmap = options.idmap === undefined ? undefined : openIdMap(options.idmap);
  using _shared = store.shared();
  await sweep(store, options.plugins);
  using locks = new DisposableStack();
  const claimed = locks.use(begin(store, image, target, request, options.imageName));
  const attempt = new Attempt(store, image, request, options, claimed.record, idmap?.n);
  try {
    if (claimed.target.missing) Deno.mkdirSync(claimed.target.path, { mode: 0o700 });
    if (request.upper?.kind === "directory") {
      Deno.mkdirSync(request.upper.path, { recursive: true });
    }
    watch.lap("record");
    const { report, choice } = await attempt.choose();
    watch.lap("choose");
    const result = await attempt.run(report, choice, watch, state);
    return { result, lock: locks.move() };
  } catch (error) {
    throw await attempt.fail(error);
  }
}

function requestOf(options: ComposeOptions): Request {
  const { upper } = options;
  return {
    strategy: options.strategy ?? "auto",
    access: options.access ?? "rw",
    isolation: options.isolation ?? "full",
    writable: (options.writable ?? []).map(writablePath),
    upper: upper?.kind === "directory" ? { ...upper, path: canonicalTarget(upper.path) } : upper,
    verity: options.verity ?? "off",
    layout: options.layout ?? "squashed",
    idmap: options.idmap !== undefined,
    result: options.result,
  };
}

function writablePath(path: string): string {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  if (names.includes("..") || path.includes("\0")) {
    throw new LaminaError("usage", `--writable ${path}: it must be a path inside the image`, {
      hint: "Give it as the image has it, without .. in it.",
    });
  }
  return names.join("/");
}

/** The sizes of an image that costs grow with. What layers have in a place apart counts as one more layer each. */
export function countsOf(store: Store, image: ImageRecord): Counts {
  return sizesOf(image, layersOf(store, image));
}

/** How many of an image's layers have contents of their files in a place apart. */
export function dataLayers(store: Store, image: ImageRecord): number {
  return layersOf(store, image).filter(({ data }) => data !== undefined).length;
}

function sizesOf({ tree }: ImageRecord, layers: readonly LayerDirectory[]): Counts {
  const { directories, files, bytes, large } = tree;
  const data = layers.filter((layer) => layer.data !== undefined).length;
  return { layers: layers.length + data, directories, files, bytes, large };
}

/** The directories of an image's layers, lowest first. */
function layersOf({ layers }: Store, image: ImageRecord): LayerDirectory[] {
  return image.layers.map(({ diffId }) => ({
    diffId,
    path: layers.directory(diffId),
    data: layers.data(diffId),
  }));
}

interface Claimed extends Disposable {
  readonly record: CompositionRecord;
  readonly target: Target;
}

/**
 * Checks the target and writes the record, so that from here on whoever comes next can undo everything. Not asynchronous: the lock
 * keeps other processes out, and would have others of this process wait for ever.
 */
function begin(
  store: Store,
  image: ImageRecord,
  path: string,
  request: Request,
  imageName: string | undefined,
): Claimed {
  using _records = lockRecords(store);
  const others = store.compositions.list();
  clearUnrecorded(store, others);
  const target = checkTarget(path, store.root);
  checkOthers(others, target.path, request);
  // The last twelve digits are all random: RFC 9562.
  const id = crypto.randomUUID().slice(-12);
  const record: CompositionRecord = {
    id,
    state: "making",
    image: image.digest,
    imageName: imageName ?? image.digest,
    tree: image.tree.digest,
    strategy: "",
    target: target.path,
    madeTarget: target.missing,
    targetWas: target.was,
    result: "directory",
    access: request.access,
    isolation: request.isolation,
    writable: request.writable,
    upper: request.upper,
    created: new Date().toISOString(),
    bootId: bootId(),
    pid: Deno.pid,
  };
  // From the look until the record keeps the image, nobody removes it.
  using _images = store.images.lock();
  store.images.use(image.digest);
  const lock = claimNew(store, id);
  store.compositions.put(record);
  return { record, target, [Symbol.dispose]: () => lock[Symbol.dispose]() };
}

function checkOthers(
  others: readonly CompositionRecord[],
  target: string,
  request: Request,
): void {
  for (const other of others) {
    if (other.target === target) {
      throw new LaminaError(
        "exists",
        `composing at ${target}: composition ${other.id} is there on record, made ${other.created}`,
        { hint: `Release it first: lamina release ${other.id}` },
      );
    }
    const { upper } = request;
    if (
      upper?.kind === "directory" && other.upper?.kind === "directory" &&
      upper.path === other.upper.path
    ) {
      throw new LaminaError(
        "busy",
        `composing at ${target}: composition ${other.id} at ${other.target} writes to ${upper.path}`,
        { hint: "Name another directory with --upper, or release that composition first." },
      );
    }
  }
}

/** One composition on its way. */
class Attempt {
  readonly #store: Store;
  readonly #image: ImageRecord;
  readonly #request: Request;
  readonly #options: ComposeOptions;
  readonly #idmap: number | undefined;
  #record: CompositionRecord;
  #directories: readonly LayerDirectory[] | undefined;
  #sizes: Counts | undefined;
  #strategy: Strategy | undefined;
  /** The verdict that the choice relied on, if it was a remembered one. */
  #relied: string | undefined;

  constructor(
    store: Store,
    image: ImageRecord,
    request: Request,
    options: ComposeOptions,
    record: CompositionRecord,
    idmap: number | undefined,
  ) {
    this.#idmap = idmap;
    this.#store = store;
    this.#image = image;
    this.#request = request;
    this.#options = options;
    this.#record = record;
  }

  async choose(): Promise<{ report: ProbeReport; choice: Choice }> {
    const { plugins, explain } = this.#options;
    const { strategy, access, upper } = this.#request;
    const named = plugins.filter((plugin) => plugin.name === strategy);
    const all = strategy === "auto" || explain === true || named.length === 0;
    // Those with contents in a place apart count twice.
    const data = this.#counts.layers > this.#image.layers.length;
    const place = { target: this.#record.target, access, upper, data, idmap: this.#idmap };
    const reports = await probe(this.#store, place, all ? plugins : named, {
      image: { tree: this.#image.tree.digest, counts: this.#counts },
      scratch: scratchName(this.#record.id),
      beforeScratch: () => this.#store.compositions.sync(this.#record.id),
      workspace: this.#store.compositions.workspace(this.#record.id),
    });
    this.#options.signal?.throwIfAborted();
    const candidates = reports.map((report) => ({
      ...report,
      kept: isKept(this.#store, this.#image.tree.digest, report.name, report.traits),
    }));
    const choice = choose(candidates, this.#request, this.#counts);
    const report = reports.find((entry) => entry.name === choice.chosen)!;
    return { report, choice };
  }

  async run(
    report: ProbeReport,
    choice: Choice,
    watch: Stopwatch,
    state: "ready" | "held",
  ): Promise<ComposeResult> {
    const { plugin, traits, keys, verdict } = report;
    const { signal, onProgress, learn = true } = this.#options;
    this.#relied = report.remembered ? keys.verdict : undefined;
    const kept = isKept(this.#store, this.#record.tree, plugin.name, traits);
    using helper = this.#hire(verdict, kept);
    const hiring = watch.lap("work");
    const host = createHost({
      plugin: plugin.source,
      keeper: { store: this.#store, plugin: plugin.name },
      helper,
      signal,
      onProgress,
    });
    const strategy = this.#strategy = makeStrategy(plugin.plugin, host);
    host.bind(strategy);
    this.#put({ strategy: plugin.name, plugin: plugin.source.file, result: traits.result });
    watch.lap("record");
    const job = this.#job();
    watch.lap("tree");
    const before = waited();
    const { notes = {} }: Made = await strategy.compose(job);
    const milliseconds = hundredths(hiring + watch.lap("work"));
    const without = hundredths(Math.min(milliseconds, waited() - before));
    watch.move("work", "tree", job.tree.loadMilliseconds);
    signal?.throwIfAborted();
    this.#put({ state, milliseconds, notes });
    // What a first composition takes says nothing about the others.
    if (verdict.works && kept && learn) {
      const expected = estimate(verdict.cost, this.#counts);
      new Memory(this.#store.layout.cache).rememberTime(
        keys.corrections,
        milliseconds - without,
        expected,
      );
    }
    const { id, target, access } = this.#record;
    const { why, estimateMs, rows } = choice;
    const { result } = traits;
    watch.lap("record");
    return {
      id,
      target,
      strategy: plugin.name,
      why,
      result,
      access,
      estimateMs,
      milliseconds,
      waited: without,
      timings: watch.timings,
      notes,
      rows,
    };
  }

  /** A second thread, where that pays for what is to be walked. It comes up while this one makes the record durable. */
  #hire(verdict: Verdict, kept: boolean): Helper | undefined {
    if (!verdict.works) return undefined;
    const cost = kept ? verdict.cost : verdict.keepCost ?? verdict.cost;
    // Nothing is walked.
    if (cost.shared === undefined) return undefined;
    const { threads = pays(cost, this.#counts) && processorLeft() ? 2 : 1 } = this.#options;
    return threads === 2 ? new Helper() : undefined;
  }

  /** Undoes everything. Returns the error that says what failed, and what could not be undone. */
  async fail(error: unknown): Promise<unknown> {
    if (this.#relied !== undefined) {
      new Memory(this.#store.layout.cache).forgetVerdict(this.#relied);
    }
    let left = "";
    try {
      await undo(this.#store, this.#record, this.#strategy);
    } catch (cause) {
      left = `; and undoing it failed: ${(cause as Error).message}`;
    }
    const { id, target, strategy, plugin } = this.#record;
    const chosen = strategy !== "";
    if (
      !(error instanceof Error) || (left === "" && !chosen) ||
      error === this.#options.signal?.reason
    ) {
      return error;
    }
    const file = plugin === undefined ? "" : ` of ${plugin}`;
    const by = chosen ? ` by ${strategy}${file}` : "";
    const own = error instanceof LaminaError ? error : undefined;
    const hint = left === "" ? own?.hint : `Remove the cause, then: lamina release ${id}`;
    const message = `composing at ${target}${by}: ${error.message}${left}`;
    return new LaminaError(own?.kind ?? "failed", message, { cause: error, hint });
  }

  #put(changes: Partial<CompositionRecord>): void {
    this.#record = { ...this.#record, ...changes };
    this.#store.compositions.put(this.#record);
  }

  get #layers(): readonly LayerDirectory[] {
    return this.#directories ??= layersOf(this.#store, this.#image);
  }

  get #counts(): Counts {
    return this.#sizes ??= sizesOf(this.#image, this.#layers);
  }

  #job(): Job & { readonly tree: StoredTree } {
    const store = this.#store;
    const { id, target, access, isolation, writable, upper } = this.#record;
    const image = this.#image;
    const fixup = store.trees.fixup(image);
    return {
      id,
      target,
      access,
      isolation,
      writable,
      upper,
      verity: this.#request.verity,
      idmap: this.#idmap,
      tree: new StoredTree(store, image),
      images: store.chains.stack(image, this.#request.layout ?? "squashed", {
        sharedBy: this.#options.sharedBy,
        // One is for the objects.
        most: mounts.maxLower - 1,
      }),
      layers: this.#layers,
      fixup: fixup === undefined ? undefined : { diffId: "", path: fixup, data: undefined },
      objects: store.layout.objects,
      origins: store.trees.origins(image),
      native: store.native,
      workspace: store.compositions.workspace(id),
      signal: this.#options.signal,
    };
  }
}
