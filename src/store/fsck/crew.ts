/**
 * Threads that share the work of a check.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { ContentReader } from "./content.ts";
import type { Problem } from "./finding.ts";
import { type CheckJob, runJob } from "./jobs.ts";

/** How long signals may wait, in milliseconds. */
const PATIENCE = 20;

/** What came of a job. */
export interface JobResult<Job extends CheckJob = CheckJob> {
  readonly job: Job;
  readonly problems: readonly Problem[];
  /** Bytes of content that were read. */
  readonly bytes: number;
}

/** Some threads, or none: then the caller's own does the work, which is faster where there is little of it. */
export class Crew implements Disposable {
  readonly #workers: Worker[] = [];

  /** @param threads 0: the caller's own. */
  constructor(threads: number) {
    for (let n = 0; n < threads; n++) {
      const url = new URL("./check_worker.ts", import.meta.url);
      this.#workers.push(new Worker(url, { type: "module" }));
    }
  }

  /**
   * Does jobs, in any order; yields what came of each.
   *
   * @throws {LaminaError} `failed` where a job cannot be done.
   * @throws The signal's reason.
   */
  async *run<Job extends CheckJob>(
    jobs: readonly Job[],
    signal?: AbortSignal,
  ): AsyncGenerator<JobResult<Job>> {
    const left = [...jobs];
    if (this.#workers.length === 0) {
      const reader = new ContentReader();
      let last = performance.now();
      for (const job of left) {
        // Lets signals in: not for each job, as a timer takes longer than most of these.
        if (performance.now() - last > PATIENCE) {
          await new Promise((resolve) => setTimeout(resolve));
          last = performance.now();
        }
        signal?.throwIfAborted();
        const before = reader.bytes;
        const problems = runJob(job, reader);
        yield { job, problems, bytes: reader.bytes - before };
      }
      return;
    }
    const busy = new Map<Worker, Promise<{ worker: Worker; result: JobResult<Job> }>>();
    const start = (worker: Worker) => {
      const job = left.shift();
      if (job === undefined) busy.delete(worker);
      else busy.set(worker, ask(worker, job).then((result) => ({ worker, result })));
    };
    this.#workers.forEach(start);
    while (busy.size > 0) {
      const { worker, result } = await Promise.race(busy.values());
      signal?.throwIfAborted();
      start(worker);
      yield result;
    }
  }

  /** Ends the threads. */
  [Symbol.dispose](): void {
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }
}

function ask<Job extends CheckJob>(worker: Worker, job: Job): Promise<JobResult<Job>> {
  return new Promise((resolve, reject) => {
    const fail = (message: string) =>
      reject(new LaminaError("failed", `checking the store: ${message}`));
    worker.onmessage = ({ data }) => {
      if (data.error !== undefined) fail(data.error);
      else resolve({ job, problems: data.problems, bytes: data.bytes });
    };
    worker.onerror = (event) => {
      event.preventDefault();
      fail(`a thread died: ${event.message}`);
    };
    worker.postMessage(job);
  });
}
