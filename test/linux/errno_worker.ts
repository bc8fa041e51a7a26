// Fails on purpose, in turn with three different errors, and reports how often errno was another one.
import { close, EBADF, EEXIST, ENOENT, mkdirat, openat } from "../../src/linux/mod.ts";

/** Counts wrong error numbers in `rounds` × 3 failing calls, with garbage for the collector in between. */
export function countWrong(rounds: number): number {
  let wrong = 0;
  let garbage: unknown[] = [];
  for (let i = 0; i < rounds; i++) {
    if (openat(-100, "/proc/absent/x", 0) !== -ENOENT) wrong++;
    garbage.push({ i, text: `garbage ${i}` }, BigInt(i) << 70n);
    if (close(-1) !== -EBADF) wrong++;
    if (mkdirat(-100, "/proc", 0o755) !== -EEXIST) wrong++;
    if (garbage.length > 5000) garbage = [];
  }
  return wrong;
}

// Nobody sends a message to the main thread, which imports this too.
const scope = self as unknown as Worker;
scope.onmessage = ({ data }) => scope.postMessage(countWrong(data));
