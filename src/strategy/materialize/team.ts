/**
 * The threads of a walk: this one and, where it pays, a worker.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../error.ts";
import { addCounts } from "./counts.ts";
import { Exchange, Stopped } from "./exchange.ts";
import type { Thread, ThreadJob, ThreadResult } from "./thread.ts";

/** What a worker answers. */
export type Reply =
  | { readonly done: ThreadResult }
  /** It was too late, or was told to stop. */
  | { readonly idle: true }
  | { readonly kind: ErrorKind; readonly hint: string | undefined; readonly message: string };

/** How long this thread works before it lets signals, timers and messages in, in milliseconds. */
const SLICE = 80;

/** What else goes on during a walk. */
export interface Attendance {
  readonly signal: AbortSignal | undefined;
  /** Called between slices. */
  readonly tick: () => void;
}

/**
 * A worker, hired before there is work: until it is up takes longer than much of what else is to be done before a walk, and this
 * thread stands still for a third of that.
 */
export class Helper implements Disposable {
  readonly #worker: Worker;
  readonly #reply: PromiseWithResolvers<Reply> = Promise.withResolvers();
  #fail: (() => void) | undefined;

  /** Hires one. */
  constructor() {
    // The file is named here by a literal for the compiler; `deno compile` has to include it.
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url).href, { type: "module" });
    this.#worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#reply.resolve(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const message = `a worker thread failed: ${event.message}`;
      this.#reply.resolve({ kind: "failed", hint: undefined, message });
      this.#fail?.();
    };
  }

  /** Has it work, as long as nobody {@link Exchange.close}s. Once only. */
  begin(job: ThreadJob): void {
    this.#fail = () => new Exchange(job.exchange).stop();
    this.#worker.postMessage(job);
  }

  /** What it did, in the end. */
  get reply(): Promise<Reply> {
    return this.#reply.promise;
  }

  /** Ends it, whatever it does. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

/**
 * Does a job in this thread and by a helper.
 *
 * @param thread This thread's, which has begun.
 * @param helper Not at work yet.
 * @returns What both of them did, and how many threads that was.
 * @throws The first error of any thread, after all have stopped; the signal's reason where that was it.
 */
export async function work(
  job: ThreadJob,
  thread: Thread,
  helper: Helper | undefined,
  attendance: Attendance,
): Promise<ThreadResult & { readonly threads: number }> {
  const exchange = new Exchange(job.exchange);
  helper?.begin(job);
  let failure: unknown;
  try {
    await workHere(thread, attendance);
  } catch (error) {
    exchange.stop();
    failure = error;
  }
  const joined = exchange.close();
  // One that is still loading need not be waited for, unless what it loads is somewhere that has to be cleared up.
  const late = joined === 0 && !(failure instanceof Stopped) && job.plugin.file === undefined;
  const reply = helper === undefined || late ? { idle: true as const } : await helper.reply;
  if ("kind" in reply && (failure === undefined || failure instanceof Stopped)) {
    failure = new LaminaError(reply.kind, reply.message, { hint: reply.hint });
  }
  if (failure !== undefined) throw failure;
  const own = thread.result;
  if (!("done" in reply)) return { ...own, threads: 1 };
  const { done } = reply;
  addCounts(own.counts, done.counts);
  return {
    counts: own.counts,
    firsts: new Map([...own.firsts, ...done.firsts]),
    later: [...own.later, ...done.later],
    locked: [...own.locked, ...done.locked],
    threads: 2,
  };
}

async function workHere(thread: Thread, { signal, tick }: Attendance): Promise<void> {
  signal?.throwIfAborted();
  while (!thread.run(performance.now() + SLICE)) {
    await nextTurn();
    signal?.throwIfAborted();
    tick();
  }
}

/** Lets everything that waits for this thread have its turn. A message to itself would be quicker, but loads half of Node's modules. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
