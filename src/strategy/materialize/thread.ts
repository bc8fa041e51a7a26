/**
 * What each thread of a walk has: its own view of the tree, its own open directories, its own copy of the plugin.
 *
 * @module
 */

import { Fd, O_DIRECTORY, O_NOFOLLOW, O_RDONLY } from "../../linux/mod.ts";
import { ErofsView, readOrigins } from "../../tree/mod.ts";
import type { PluginSource } from "../loading/source.ts";
import type { FileEntry, LayerDirectory } from "../plugin.ts";
import { Builder, type LaterLink, type LockedDirectory } from "./builder.ts";
import { type Counts, noCounts } from "./counts.ts";
import { Exchange, Stopped, type Unit } from "./exchange.ts";
import { Metadata, type Owner } from "./metadata.ts";
import { Sources } from "./sources.ts";
import { writableGroups, writableTree } from "./writable.ts";

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
  /** See {@link exchange!Exchange.memory}. */
  readonly exchange: SharedArrayBuffer;
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

/** One thread's work in progress. */
export class Thread implements Disposable {
  readonly view: ErofsView;
  readonly metadata: Metadata;
  readonly counts: Counts = noCounts();
  readonly root: Fd;
  readonly #exchange: Exchange;
  readonly #sources: Sources;
  readonly #builder: Builder;
  #busy = false;

  /** @param place The strategy's, see {@link plugin!Strategy.place}. */
  constructor(job: ThreadJob, place: (file: FileEntry) => void) {
    const { image, writable } = job;
    this.#exchange = new Exchange(job.exchange);
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
      exchange: this.#exchange,
    });
  }

  /** Begins with a unit, which counts as this thread's already; {@link run} does it. */
  begin(unit: Unit): void {
    this.#busy = true;
    this.#builder.start(unit);
  }

  /**
   * Does what it began and then what others give away, until all is done or the time is over.
   *
   * @param until On the clock of performance.now().
   * @returns Whether all is done.
   * @throws {Stopped} Where all threads are to stop.
   */
  run(until: number): boolean {
    const exchange = this.#exchange;
    for (;;) {
      if (this.#busy) {
        if (!this.#builder.run(until)) return false;
        this.#busy = false;
        exchange.finish();
      }
      const unit = exchange.take(until);
      if (unit !== undefined) this.begin(unit);
      else if (exchange.stopped) throw new Stopped();
      else return exchange.over;
    }
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
