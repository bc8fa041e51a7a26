/**
 * kill -9 at every system call that changes something, one after the other.
 *
 * @module
 */

import { assert } from "@std/assert";
import { done, empty, ended, type Ground, settle } from "./ground.ts";
import { lamina, type Prepared, type Scenario } from "./scenario.ts";
import { count, inject } from "./strace.ts";

/** What changes directories, files or mounts, makes that durable, or takes a lock. */
const CALLS = [
  ...["openat", "mkdir", "mkdirat", "mknodat", "link", "linkat", "symlink", "symlinkat"],
  ...["unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2"],
  ...["write", "pwrite64", "copy_file_range", "ftruncate", "fallocate", "ioctl"],
  ...["fsync", "fdatasync", "syncfs", "flock"],
  ...["chmod", "fchmod", "fchmodat", "fchown", "fchownat", "utimensat"],
  ...["setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr"],
  ...["mount", "umount2", "fsopen", "fsconfig", "fsmount", "move_mount", "open_tree"],
  "mount_setattr",
] as const;

/**
 * Kills a command everywhere, and checks each time that its store is whole, that the command succeeds when it is given again, and that
 * nothing is left in the end.
 *
 * @param step Every so manieth system call is a point; 1 is all.
 * @returns How often it was killed.
 */
export async function killEverywhere(
  ground: Ground,
  scenario: Scenario,
  step: number,
  onKill: (point: string) => void = () => {},
): Promise<number> {
  const whole = await scenario.prepare(ground);
  const calls = await count(whole.words, CALLS);
  await finish(whole);
  let kills = 0;
  for (const { call, nth, missed } of points(calls, step)) {
    const made = await scenario.prepare(ground);
    const point = `${scenario.name}: killed at ${call} ${nth}`;
    const { signal, stderr, code } = await inject(made.words, { call, nth, what: "signal=KILL" });
    try {
      if (signal === "SIGKILL") await goesOn(scenario, made);
      else assert(code === 0, stderr);
      await finish(made);
    } catch (cause) {
      throw new Error(`${point}; the store is ${made.store}`, { cause });
    }
    if (signal !== "SIGKILL") {
      missed();
    } else {
      kills++;
      onKill(point);
    }
  }
  return kills;
}

/** A system call of a command. */
interface Point {
  readonly call: string;
  /** Which of the calls of this name, from 1. */
  readonly nth: number;
  /** No thread makes so many calls of this name: then none makes more. */
  readonly missed: () => void;
}

/** Every so manieth of a command's system calls. */
export function* points(calls: ReadonlyMap<string, number>, step: number): Generator<Point> {
  let at = step >> 1;
  for (const [call, times] of calls) {
    let end = times;
    for (let nth = 1; nth <= times; nth++) {
      if (nth <= end && at % step === 0) yield { call, nth, missed: () => end = nth };
      at++;
    }
  }
}

/** Gives a command again that was stopped somewhere. */
export async function goesOn(scenario: Scenario, made: Prepared): Promise<void> {
  let { code, stderr } = await ended(made.words);
  if (code !== 0 && scenario.composes) {
    // The target may be the finished work of the one that was stopped; nothing else may be in the way.
    await done([...lamina(made), "release", ...made.targets]);
    ({ code, stderr } = await ended(made.words));
  }
  assert((scenario.again ?? [0]).includes(code), `again: ${stderr}`);
}

/** Settles and removes a store. */
export async function finish({ store, targets }: Prepared): Promise<void> {
  await settle(store, targets);
  await empty(store);
  await Deno.remove(store, { recursive: true });
}
