/**
 * A command under strace(1), which kills it at a system call, or lets that fail.
 *
 * @module
 */

import { type Ended, ended } from "./ground.ts";

/** What happens at a system call; `nth` counts the calls of each thread, from 1. */
export interface Injection {
  readonly call: string;
  readonly nth: number;
  /** `signal=KILL`, or `error=ENOSPC`. */
  readonly what: string;
  /** At all later calls too. */
  readonly onwards?: boolean;
}

/** Runs a command with something that happens on its way. */
export async function inject(words: readonly string[], injection: Injection): Promise<Ended> {
  const { call, nth, what, onwards } = injection;
  return await ended([
    ...["strace", "-f", "-qq", "-o", "/dev/null", "-e", `trace=${call}`],
    ...["-e", `inject=${call}:${what}:when=${nth}${onwards ? "+" : ""}`],
    ...words,
  ]);
}

/** How often a command makes each of some system calls, those that fail too. */
export async function count(
  words: readonly string[],
  calls: readonly string[],
): Promise<Map<string, number>> {
  const summary = await Deno.makeTempFile();
  try {
    const { code, stderr } = await ended([
      ...["strace", "-f", "--seccomp-bpf", "-c", "-U", "name,calls", "-o", summary],
      ...["-e", `trace=${calls.join(",")}`, ...words],
    ]);
    if (code !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
    const lines = (await Deno.readTextFile(summary)).split("\n");
    return new Map(
      lines.map((line) => line.trim().split(/\s+/)).filter(([name]) => calls.includes(name))
        .map(([name, calls]) => [name, Number(calls)]),
    );
  } finally {
    await Deno.remove(summary);
  }
}
