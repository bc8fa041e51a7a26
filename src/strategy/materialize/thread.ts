/**
 * What each thread of a walk has: its own view of the tree, its own open directories, its own copy of the plugin.
 *
 * @module
 */

import { Fd, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../../linux/mod.ts";
import { ErofsView, readOrigins } from "../../tree/mod.ts";
import type { PluginSource } from "../loading/source.ts";
import type { FileEntry, LayerDirectory } from "../plugin.ts";
import { Builder, type LaterLink, type LockedDirectory, type Unit } from "./builder.ts";
import { type Counts, noCounts } from "./counts.ts";
import { Metadata, type Owner } from "./metadata.ts";
import { writableGroups } from "./plan.ts";
import { Sources } from "./sources.ts";
import { writableTree } from "./writable.ts";

/** What threads share, as places in an Int32Array: the next unit to be done … */
export const NEXT = 0;
/** … 1 once all are to stop … */
export const STOP = 1;
/** … and how many entries are done. */
export const DONE = 2;
/** How many such places there are. */
export const SHARED_PLACES = 3;

/** What a thread is to do; plain data, so that it can be sent to one. */
export interface ThreadJob {
  readonly plugin: PluginSource;
  readonly target: string;
  /** The tree's image, or the file that holds it. */
  readonly image: Uint8Array | string;
  readonly origins: string;
  readonly layers: readonly LayerDirectory[];
  readonly objects: string;
  readonly writable: readonly string[];
  readonly linkOthers: boolean;
  readonly native: boolean;
  readonly owner: Owner;
  readonly lenient: boolean;
  readonly units: readonly Unit[];
  /** See {@link NEXT}. */
  readonly shared: Int32Array;
  /** See {@link BuilderParts.groups}; undefined for a single thread. */
  readonly groups: Uint8Array | undefined;
}

/** What a thread did. */
export interface ThreadResult {
  readonly counts: Counts;
  readonly firsts: ReadonlyMap<number, Uint8Array>;
  readonly later: readonly LaterLink[];
  readonly locked: readonly LockedDirectory[];
}

/** Thrown in a thread that is to stop; the reason is elsewhere. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/** One thread's work in progress. */
export class Thread implements Disposable {
  readonly view: ErofsView;
  readonly metadata: Metadata;
  readonly counts: Counts = noCounts();
  readonly root: Fd;
  readonly #job: ThreadJob;
  readonly #sources: Sources;
  readonly #builder: Builder;
  #busy = false;

  /** @param place The strategy's, see {@link plugin!Strategy.place}. */
  constructor(job: ThreadJob, place: (file: FileEntry) => void) {
    const { image, writable, shared } = job;
    this.#job = job;
    this.view = new ErofsView(typeof image === "string" ? Deno.readFileSync(image) : image);
    this.metadata = new Metadata(this.view, this.counts, job.owner, job.lenient);
    const tree = writableTree(writable);
    // Before anything is opened: it may be damaged.
    const origins = readOrigins(Deno.readFileSync(job.origins));
    this.root = Fd.open(job.target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    this.#sources = new Sources(job.layers, job.objects, origins);
    this.#builder = new Builder({
      view: this.view,
      sources: this.#sources,
      metadata: this.metadata,
      counts: this.counts,
      root: this.root.n,
      writable: tree,
      writableGroups: writableGroups(this.view, tree),
      place,
      linkOthers: job.linkOthers,
      native: job.native,
      groups: job.groups,
      pulse: (entries) => {
        Atomics.add(shared, DONE, entries);
        if (Atomics.load(shared, STOP) !== 0) throw new Stopped();
      },
    });
  }

  /**
   * Does units, as long as there are any and the time is not over.
   *
   * @param until On the clock of performance.now().
   * @returns Whether there are none left.
   */
  run(until: number): boolean {
    const { units, shared } = this.#job;
    while (performance.now() < until) {
      if (!this.#busy) {
        const next = Atomics.add(shared, NEXT, 1);
        if (next >= units.length) return true;
        this.#busy = true;
        this.#builder.start(units[next]);
      }
      this.#busy = !this.#builder.run(until);
    }
    return false;
  }

  get result(): ThreadResult {
    const { firsts, later, locked } = this.#builder;
    return { counts: this.counts, firsts, later, locked };
  }

  [Symbol.dispose](): void {
    this.#builder.abandon();
    this.#sources[Symbol.dispose]();
    this.root[Symbol.dispose]();
  }
}
