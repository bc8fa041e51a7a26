/**
 * Layers into a store, several at once, two threads for each.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { DEFAULT_LIMITS, type Limits } from "../limits.ts";
import { fromFailure } from "./failure.ts";
import { type Answer, INDEXED, type Job } from "./jobs.ts";
import { Ring } from "./ring.ts";
import {
  COUNTER_BYTES,
  ENTRIES,
  type LayerProgress,
  type LayerResult,
  type LayerSource,
  type LayerTarget,
  READ,
  UNPACKED,
} from "./types.ts";
import type { Owner } from "./unpack.ts";

/** Milliseconds between two reports of progress. */
const PROGRESS_MS = 50;

/** How a pipeline works. */
export interface PipelineOptions {
  /** Layers at once; default 2. */
  readonly parallel?: number;
  /** Bounds that differ from {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<Limits>;
  /** Whether files get their true owners, devices and `trusted.*` attributes: `Store.native`. */
  readonly native: boolean;
  /** Whether threads that have nothing to do stay, for the next image; by default they end, and their memory is free. */
  readonly keepThreads?: boolean;
}

/** How one layer is ingested. */
export interface IngestOptions {
  /** Bounds that differ from those of the pipeline. */
  readonly limits?: Partial<Limits>;
  /** Counts the bytes of all layers of the image, for the limit of the image; by default the layer counts alone. */
  readonly image?: ImageCount;
  /** Called now and then, and at the end. */
  readonly onProgress?: (progress: LayerProgress) => void;
  /** Called once the layer is verified and `index.erofs` is there: what is left are objects and directories' metadata. */
  readonly onIndexed?: () => void;
}

/** Bytes of the uncompressed archives of an image's layers: one number, which all threads that ingest them share. */
export class ImageCount {
  /** A 64-bit number. */
  readonly memory: SharedArrayBuffer = new SharedArrayBuffer(8);

  /**
   * Starts counting.
   *
   * @param bytes Those of layers that need no ingest.
   */
  constructor(bytes = 0) {
    new BigInt64Array(this.memory)[0] = BigInt(bytes);
  }
}

/** Ingests layers. Dispose of it when done. */
export class LayerPipeline implements AsyncDisposable {
  readonly #options: PipelineOptions;
  readonly #limits: Limits;
  readonly #owner: Owner;
  readonly #idle: Lane[] = [];
  readonly #busy = new Map<Lane, Promise<unknown>>();
  readonly #waiting: (() => void)[] = [];
  /** How often all work was stopped. */
  #stops = 0;
  #closed = false;

  /** Makes a pipeline; its threads start with the first layer. */
  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#owner = { umask: Deno.umask(), uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  }

  /**
   * Ingests one layer: afterwards the staging directory holds `fs/` and `index.erofs`, every digest and size is verified,
   * and the content of its files is among the objects. On failure no object of its content has been made, and the caller removes
   * the staging directory; no thread uses it any more.
   *
   * @throws {LaminaError} With the layer's digest and, if it is about one, the entry's path.
   */
  async ingest(
    source: LayerSource,
    target: LayerTarget,
    options: IngestOptions = {},
  ): Promise<LayerResult> {
    const { parallel = 2, native } = this.#options;
    const stops = this.#stops;
    while (stops === this.#stops && this.#busy.size >= parallel) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    if (this.#closed || stops !== this.#stops) throw cancelled(source);
    const lane = this.#idle.pop() ?? new Lane();
    const job = {
      source,
      target,
      limits: { ...this.#limits, ...options.limits },
      image: (options.image ?? new ImageCount()).memory,
      native,
      owner: this.#owner,
    };
    const work = lane.run(job, options);
    this.#busy.set(lane, work.catch(() => {}));
    try {
      return await work;
    } finally {
      this.#busy.delete(lane);
      if (lane.usable && !this.#closed && this.#wanted) this.#idle.push(lane);
      else lane.terminate();
      this.#waiting.shift()?.();
    }
  }

  /** Whether there is, or may be, something to do for a lane. */
  get #wanted(): boolean {
    return this.#options.keepThreads === true || this.#waiting.length > 0;
  }

  /** Cancels what is under way and waits until nothing is touched any more. */
  async stop(): Promise<void> {
    this.#stops++;
    for (const wake of this.#waiting.splice(0)) wake();
    for (const lane of this.#busy.keys()) lane.cancel();
    await Promise.all(this.#busy.values());
  }

  /** As {@link stop}, and ends the threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.stop();
    for (const lane of this.#idle.splice(0)) lane.terminate();
  }
}

function cancelled(source: LayerSource): LaminaError {
  return new LaminaError("failed", `ingesting layer ${source.digest}: it was cancelled`);
}

/** Two threads and the ring between them. */
class Lane {
  readonly #ring = new Ring();
  readonly #inflate = new Thread(() =>
    new Worker(new URL("./inflate_worker.ts", import.meta.url), { type: "module" })
  );
  readonly #unpack = new Thread(() =>
    new Worker(new URL("./unpack_worker.ts", import.meta.url), { type: "module" })
  );

  /** Whether both threads are there for another layer. */
  get usable(): boolean {
    return this.#inflate.alive && this.#unpack.alive;
  }

  async run(
    task: Omit<Job, "ring" | "counters">,
    { onProgress, onIndexed }: IngestOptions,
  ): Promise<LayerResult> {
    this.#ring.reset();
    const counters = new SharedArrayBuffer(COUNTER_BYTES);
    const job: Job = { ...task, ring: this.#ring.memory, counters };
    const report = () => onProgress?.(read(new BigInt64Array(counters)));
    const timer = onProgress && setInterval(report, PROGRESS_MS);
    try {
      // A thread that dies leaves the other waiting: the ring wakes it.
      const stop = () => this.#ring.cancel();
      const [inflated, unpacked] = await Promise.all([
        this.#inflate.run(job, stop),
        this.#unpack.run(job, stop, onIndexed),
      ]);
      // That the blob is not what its digest says explains whatever else went wrong.
      for (const answer of [inflated, unpacked]) {
        if (answer.outcome === "failed") throw fromFailure(answer.failure);
      }
      if (inflated.outcome !== "done" || unpacked.outcome !== "done") throw cancelled(task.source);
      report();
      return unpacked.result as LayerResult;
    } finally {
      clearInterval(timer);
    }
  }

  /** Makes a run fail soon. */
  cancel(): void {
    this.#ring.cancel();
  }

  terminate(): void {
    this.#inflate.terminate();
    this.#unpack.terminate();
  }
}

/** A worker that answers one job at a time. It starts with the first, since starting one takes time in which the other can be at work. */
class Thread {
  readonly #start: () => Worker;
  #worker: Worker | undefined;
  #answer: ((answer: Answer) => void) | undefined;
  #crashed: (() => void) | undefined;
  #indexed: (() => void) | undefined;
  alive = true;

  constructor(start: () => Worker) {
    this.#start = start;
  }

  /**
   * @param crashed Called if the worker dies before it has answered.
   * @param indexed Called when it says {@link INDEXED}.
   */
  run(job: Job, crashed: () => void, indexed?: () => void): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#crashed = crashed;
      this.#indexed = indexed;
      this.#worker ??= this.#listenTo(this.#start());
      this.#worker.postMessage(job);
    });
  }

  #listenTo(worker: Worker): Worker {
    worker.onmessage = ({ data }) => data === INDEXED ? this.#indexed?.() : this.#answer?.(data);
    worker.onerror = (event) => {
      event.preventDefault();
      this.alive = false;
      this.#crashed?.();
      const message = `a thread of the ingest died: ${event.message}`;
      this.#answer?.({
        outcome: "failed",
        failure: { kind: "failed", message, hint: undefined },
      });
    };
    return worker;
  }

  terminate(): void {
    this.alive = false;
    this.#worker?.terminate();
  }
}

function read(counters: BigInt64Array): LayerProgress {
  const value = (index: number) => Number(Atomics.load(counters, index));
  return { read: value(READ), unpacked: value(UNPACKED), entries: value(ENTRIES) };
}
