/**
 * Fuzzes the parsers of foreign bytes, one after the other, each in a process of its own.
 *
 *     deno task fuzz [SECONDS] [--target NAME]… [--seed NUMBER]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Hunt } from "./hunt.ts";
import { TARGETS } from "./targets.ts";

/** Seconds in all when nobody says. */
const SECONDS = 120;

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["target", "seed"], collect: ["target"] });
  const chosen = flags.target as string[];
  const targets = chosen.length > 0 ? chosen : TARGETS;
  const unknown = targets.filter((name) => !TARGETS.includes(name));
  if (unknown.length > 0) {
    console.error(`no such target: ${unknown.join(", ")}; there are ${TARGETS.join(", ")}`);
    Deno.exit(2);
  }
  const seconds = Number(flags._[0] ?? SECONDS) / targets.length;
  const seed = Number(flags.seed ?? Date.now() % 2 ** 32);
  console.log(`seed ${seed}, ${seconds.toFixed(1)} s for each of ${targets.length} targets`);
  let findings = 0;
  let executions = 0;
  for (const name of targets) {
    const hunt = new Hunt(name, seed, seconds);
    await hunt.run();
    findings += hunt.findings;
    executions += hunt.executions;
    console.log(
      `${name.padEnd(12)} ${String(hunt.executions).padStart(9)} executions, ` +
        `${hunt.blocks} blocks, ${hunt.corpus} inputs kept, ${hunt.findings} findings`,
    );
  }
  console.log(`${executions} executions, ${findings} findings`);
  Deno.exit(findings > 0 ? 1 : 0);
}
