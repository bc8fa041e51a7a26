/**
 * The threads of a walk: this one and, where they pay, workers.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../error.ts";
import { addCounts } from "./counts.ts";
import { STOP, Stopped, Thread, type ThreadJob, type ThreadResult } from "./thread.ts";

/** What a worker answers. */
export type Reply =
  | { readonly done: ThreadResult }
  | { readonly stopped: true }
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
 * Does a job's units in this thread and in others.
 *
 * @param thread This thread's.
 * @param workers How many others.
 * @returns What all of them did.
 * @throws The first error of any thread, after all have stopped; the signal's reason where that was it.
 */
export async function work(
  job: ThreadJob,
  thread: Thread,
  workers: number,
  attendance: Attendance,
): Promise<ThreadResult> {
  const replies = Array.from({ length: workers }, () => hire(job));
  let failure: unknown;
  try {
    await workHere(thread, attendance);
  } catch (error) {
    Atomics.store(job.shared, STOP, 1);
    failure = error;
  }
  const firsts = new Map(thread.result.firsts);
  const later = [...thread.result.later];
  const locked = [...thread.result.locked];
  const { counts } = thread;
  for (const reply of await Promise.all(replies)) {
    if ("done" in reply) {
      addCounts(counts, reply.done.counts);
      for (const [ino, path] of reply.done.firsts) firsts.set(ino, path);
      later.push(...reply.done.later);
      locked.push(...reply.done.locked);
    } else if ("kind" in reply && (failure === undefined || failure instanceof Stopped)) {
      failure = new LaminaError(reply.kind, reply.message, { hint: reply.hint });
    }
  }
  if (failure !== undefined) throw failure;
  return { counts, firsts, later, locked };
}

async function workHere(thread: Thread, { signal, tick }: Attendance): Promise<void> {
  signal?.throwIfAborted();
  while (!thread.run(performance.now() + SLICE)) {
    await nextTurn();
    signal?.throwIfAborted();
    tick();
  }
}

function hire(job: ThreadJob): Promise<Reply> {
  const { promise, resolve } = Promise.withResolvers<Reply>();
  // The file is named here by a literal for the compiler; `deno compile` has to include it.
  const worker = new Worker(new URL("./worker.ts", import.meta.url).href, { type: "module" });
  const fail = (message: string) => {
    Atomics.store(job.shared, STOP, 1);
    resolve({ kind: "failed", hint: undefined, message: `a worker thread failed: ${message}` });
  };
  worker.onmessage = ({ data }: MessageEvent<Reply>) => resolve(data);
  worker.onerror = (event) => {
    event.preventDefault();
    fail(event.message);
  };
  worker.postMessage(job);
  return promise.finally(() => worker.terminate());
}

/** Lets everything that waits for this thread have its turn. A message to itself would be quicker, but loads half of Node's modules. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
