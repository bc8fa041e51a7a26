/**
 * System calls that fail: a full disk, a quota, a broken disk.
 *
 * @module
 */

import { assert, assertMatch } from "@std/assert";
import type { Ground } from "./ground.ts";
import { finish, goesOn, points } from "./kill.ts";
import type { Scenario } from "./scenario.ts";
import { count, inject } from "./strace.ts";

/** What fails for want of room: all later calls of the name too, as on a disk that stays full. */
const ROOM = [
  ...["mkdirat", "mkdir", "mknodat", "linkat", "symlinkat", "rename", "renameat2"],
  ...["pwrite64", "copy_file_range", "fsetxattr", "lsetxattr"],
];

/** What a broken disk fails once. The runtime writes to its own threads with write(2) as well, and dies of it: as good as killed. */
const BROKEN = [
  ...ROOM,
  ...[
    "write",
    "fsync",
    "syncfs",
    "unlinkat",
    "fchownat",
    "utimensat",
    "fchmod",
    "move_mount",
    "fsmount",
  ],
];

/** Errors, as words of a message; of the runtime's calls by their number. */
const ERRORS = {
  ENOSPC: { names: ROOM, onwards: true, says: /ENOSPC|No space left|os error 28/ },
  EDQUOT: { names: ROOM, onwards: true, says: /EDQUOT|quota|os error 122/i },
  EIO: { names: BROKEN, onwards: false, says: /EIO|Input\/output error|os error 5/ },
} as const;

/** Exit codes of a command that failed and said why; of one whose strategy could not be tried out. */
const FAILED = [1, 4];

/**
 * Lets a command's system calls fail, one after the other; checks that it says so or succeeds all the same, that its store is whole,
 * and that the command succeeds when there is room again.
 *
 * @param step Every so manieth system call is a point; 1 is all.
 * @returns How often something failed.
 */
export async function failEverywhere(
  ground: Ground,
  scenario: Scenario,
  step: number,
  onFault: (point: string) => void = () => {},
): Promise<number> {
  const whole = await scenario.prepare(ground);
  const calls = await count(whole.words, BROKEN);
  await finish(whole);
  let faults = 0;
  for (const [error, { names, onwards, says }] of Object.entries(ERRORS)) {
    const failing = new Map([...calls].filter(([call]) => names.includes(call)));
    for (const { call, nth } of points(failing, step)) {
      const made = await scenario.prepare(ground);
      const point = `${scenario.name}: ${error} at ${call} ${nth}`;
      const what = `error=${error}`;
      const { code, stderr, stdout } = await inject(made.words, { call, nth, what, onwards });
      try {
        if (FAILED.includes(code)) assertMatch(stderr + stdout, says);
        else assert(code === 0 || call === "write", `exit ${code}: ${stderr}`);
        if (code !== 0) await goesOn(scenario, made);
        await finish(made);
      } catch (cause) {
        throw new Error(`${point}; the store is ${made.store}\n${stderr}`, { cause });
      }
      faults++;
      onFault(point);
    }
  }
  return faults;
}
