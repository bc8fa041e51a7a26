/**
 * The host that is measured on.
 *
 * @module
 */

import { VERSION } from "../../version.ts";
import type { Machine } from "./shape.ts";

/** Looks at this host. */
export function thisMachine(): Machine {
  const [load] = Deno.loadavg();
  return {
    kernel: Deno.osRelease(),
    cpu: cpuName(),
    processors: navigator.hardwareConcurrency,
    memory: Deno.systemMemoryInfo().total,
    load: Math.round(load * 100) / 100,
    lamina: VERSION,
    deno: Deno.version.deno,
  };
}

/** On x86 `model name`; arm64 has numbers only. */
function cpuName(): string {
  try {
    const text = Deno.readTextFileSync("/proc/cpuinfo");
    return /^(?:model name|Model|Hardware)\s*:\s*(.+)$/m.exec(text)?.[1].trim() ?? Deno.build.arch;
  } catch {
    return Deno.build.arch;
  }
}

/** Milliseconds that a program takes to start, say its version and stop, some times over. */
export function startups([command, ...args]: readonly string[], times: number): number[] {
  const quiet = { stdin: "null", stdout: "null", stderr: "null" } as const;
  return Array.from({ length: times }, () => {
    const start = performance.now();
    new Deno.Command(command, { args: [...args, "--version"], ...quiet }).outputSync();
    return performance.now() - start;
  });
}
