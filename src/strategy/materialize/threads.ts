/**
 * How many threads a walk has.
 *
 * @module
 */

import { BTRFS_SUPER_MAGIC, Fd, fstatfs, O_DIRECTORY, O_RDONLY } from "../../linux/mod.ts";

/**
 * Milliseconds that a walk has to take in one thread for a second one to pay. For some 45 of these the first one stands still, until the
 * engine of the second is up, and each compiles the walk for itself.
 */
export const WORTH_A_WORKER = 450;

/** Most threads that work on one tree: more gained nothing on any filesystem. */
const MOST = 2;

/** How many threads a walk of a large tree can have in a directory. */
export function threadsFor(directory: string): number {
  using root = Fd.open(directory, O_RDONLY | O_DIRECTORY);
  // Two threads that write to one btrfs wait for each other.
  if (fstatfs(root.n).type === BTRFS_SUPER_MAGIC) return 1;
  return Math.min(MOST, navigator.hardwareConcurrency);
}

/** Whether a processor is left for one thread more, by what is running now: beside this thread, one that compiles for it may be. */
export function processorLeft(): boolean {
  return running() <= navigator.hardwareConcurrency;
}

/** Threads of all processes that run or wait for a processor, this one included: proc(5), /proc/loadavg. 1 where that cannot be read. */
function running(): number {
  try {
    return parseInt(Deno.readTextFileSync("/proc/loadavg").split(" ")[3]) || 1;
  } catch {
    return 1;
  }
}
