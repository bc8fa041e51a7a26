/**
 * System calls that fail: a full disk, a quota, a broken disk.
 *
 * @module
 */

import { assert, assertMatch } from "@std/assert";
import type { Ground } from "./ground.ts";
import { finish, goesOn } from "./kill.ts";
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
  ENOSPC: { calls: ROOM, onwards: true, says: /ENOSPC|No space left|os error 28/ },
  EDQUOT: { calls: ROOM, onwards: true, says: /EDQUOT|quota|os error 122/i },
  EIO: { calls: BROKEN, onwards: false, says: /EIO|Input\/output error|os error 5/ },
} as const;

/** Exit codes of a command that failed and said why; of one whose strategy could not be tried out. */
const FAILED = [1, 4];

/**
 * Lets a command's system calls fail, one after the other; checks that it says so or succeeds all the same, that its store is whole,
 * and that the command succeeds when there is room again.
 *
 * @param step Of the calls of one name, every so manieth is a point.
 * @returns How often something failed.
 */
export async function failEverywhere(
  ground: Ground,
  scenario: Scenario,
  step: number,
  onFault: (point: string) => void = () => {},
): Promise<number> {
  const calls = await count((await scenario.prepare(ground)).words, BROKEN);
  let faults = 0;
  for (const [error, { calls: names, onwards, says }] of Object.entries(ERRORS)) {
    for (const call of names) {
      const times = calls.get(call) ?? 0;
      for (let nth = 1 + faults % step; nth <= times; nth += step) {
        const made = await scenario.prepare(ground);
        const point = `${scenario.name}: ${error} at ${call} ${nth}`;
        const { code, stderr } = await inject(made.words, {
          call,
          nth,
          what: `error=${error}`,
          onwards,
        });
        try {
          if (FAILED.includes(code)) assertMatch(stderr, says);
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
  }
  return faults;
}
