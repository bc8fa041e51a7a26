/**
 * What the kernel logged a moment ago: where filesystems put reasons that fsconfig(2) does not carry.
 *
 * @module
 */

import { AT_FDCWD, O_NONBLOCK, O_RDONLY } from "./abi.ts";
import { EPIPE } from "./errno.ts";
import { Fd } from "./fd.ts";
import { openat, read } from "./file.ts";

/** Microseconds for which a line counts as being about the call that just failed. */
const RECENT = 1_000_000;

/**
 * The last line of the kernel's log that begins with a prefix (`overlayfs: `), without it, if it was written within the last second;
 * undefined where there is none or this process may not read the log (/dev/kmsg, kernel.dmesg_restrict).
 */
export function recentKernelLine(prefix: string): string | undefined {
  const n = openat(AT_FDCWD, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
  if (n < 0) return undefined;
  using log = Fd.adopt(n);
  const now = Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]) * 1e6;
  const record = new Uint8Array(8192);
  let last: string | undefined;
  for (;;) {
    const length = read(log.n, record);
    // EPIPE: lines were overwritten before they were read; the next call goes on behind them.
    if (length === -EPIPE) continue;
    if (length <= 0) return last;
    // `priority,sequence,microseconds,flags;text`, then lines with more about it.
    const text = new TextDecoder().decode(record.subarray(0, length));
    const [head, line] = text.split("\n", 1)[0].split(/;(.*)/s);
    if (!line.startsWith(prefix)) continue;
    if (now - Number(head.split(",")[2]) < RECENT) last = line.slice(prefix.length);
  }
}
