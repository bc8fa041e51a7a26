/**
 * What a pipeline and its threads say to each other.
 *
 * @module
 */

import type { Limits } from "../limits.ts";
import { explain, type Failure, toFailure } from "./failure.ts";
import { Ring, RingStopped } from "./ring.ts";
import type { LayerSource, LayerTarget } from "./types.ts";
import type { Owner } from "./unpack.ts";

/** One layer's ingest, as a thread gets it. */
export interface Job {
  readonly source: LayerSource;
  readonly target: LayerTarget;
  /** Memory of the ring between the two threads. */
  readonly ring: SharedArrayBuffer;
  /** Memory of the counters. */
  readonly counters: SharedArrayBuffer;
  readonly limits: Limits;
  /** Memory of the count of bytes that came out of all layers of the image: one number. */
  readonly image: SharedArrayBuffer;
  readonly native: boolean;
  readonly owner: Owner;
}

/** What the unpacking thread says before it answers: the layer is verified, and its index written. */
export const INDEXED = "indexed";

/** What a thread answers. `stopped`: it gave up because the other one did, or because it was told to. */
export type Answer =
  | { readonly outcome: "done"; readonly result: unknown }
  | { readonly outcome: "stopped" }
  | { readonly outcome: "failed"; readonly failure: Failure };

/** A job with its shared memory in use. */
export type OpenJob = Omit<Job, "ring" | "counters" | "image"> & {
  readonly ring: Ring;
  readonly counters: BigInt64Array;
  readonly image: BigInt64Array;
};

/** The side of a worker that the types for windows do not know. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<Job>) => void) | null;
  postMessage(message: Answer | typeof INDEXED): void;
}

/**
 * Makes this thread do one job after the other.
 *
 * @param work Does one; `indexed` says {@link INDEXED}.
 */
export function serve(work: (job: OpenJob, indexed: () => void) => unknown): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data }) => {
    const job: OpenJob = {
      ...data,
      ring: new Ring(data.ring),
      counters: new BigInt64Array(data.counters),
      image: new BigInt64Array(data.image),
    };
    scope.postMessage(attempt(() => work(job, () => scope.postMessage(INDEXED))));
  };
}

function attempt(work: () => unknown): Answer {
  try {
    return { outcome: "done", result: work() };
  } catch (error) {
    if (error instanceof RingStopped) return { outcome: "stopped" };
    return { outcome: "failed", failure: toFailure(explain(error)) };
  }
}
