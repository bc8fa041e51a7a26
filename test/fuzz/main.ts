/**
 * Fuzzes the parsers of foreign bytes, one after the other, each in a process of its own; with `--peers` compares them with other programs
 * instead, as far as these are installed.
 *
 *     deno task fuzz [SECONDS] [--target NAME]… [--seed NUMBER] [--peers]
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { lacks } from "../support/root.ts";
import { Hunt } from "./hunt.ts";
import { compare, PEERS } from "./peers.ts";
import { TARGETS } from "./targets.ts";

/** Seconds in all when nobody says. */
const SECONDS = 120;

/** Explores targets; returns the number of findings. */
async function explore(targets: readonly string[], seed: number, seconds: number): Promise<number> {
  let findings = 0;
  let executions = 0;
  for (const name of targets) {
    const hunt = new Hunt(name, seed, seconds / targets.length);
    await hunt.run();
    findings += hunt.findings;
    executions += hunt.executions;
    console.log(
      `${name.padEnd(12)} ${String(hunt.executions).padStart(9)} executions, ` +
        `${hunt.blocks} blocks, ${hunt.corpus} inputs kept, ${hunt.findings} findings`,
    );
  }
  console.log(`${executions} executions, ${findings} findings`);
  return findings;
}

/** Compares with peers; returns the number of differences that nobody has explained. */
async function comparePeers(
  targets: readonly string[],
  seed: number,
  seconds: number,
): Promise<number> {
  let unknown = 0;
  const peers = PEERS.filter(({ target }) => targets.includes(target));
  for (const peer of peers) {
    const obstacle = lacks(peer.program);
    if (obstacle !== undefined) {
      console.log(`${peer.target}: cannot be compared here: ${obstacle}`);
      continue;
    }
    const compared = await compare(peer, seed, seconds / peers.length);
    console.log(`${peer.target} and ${peer.program}: ${compared.executions} inputs`);
    for (const [why, times] of compared.known) console.log(`  ${times} times ${why}`);
    for (const text of compared.unknown) console.log(`  not explained: ${text}`);
    unknown += compared.unknown.length;
  }
  return unknown;
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, {
    string: ["target", "seed"],
    collect: ["target"],
    boolean: ["peers"],
  });
  const chosen = flags.target as string[];
  const targets = chosen.length > 0 ? chosen : TARGETS;
  const unknown = targets.filter((name) => !TARGETS.includes(name));
  if (unknown.length > 0) {
    console.error(`no such target: ${unknown.join(", ")}; there are ${TARGETS.join(", ")}`);
    Deno.exit(2);
  }
  const seconds = Number(flags._[0] ?? SECONDS);
  const seed = Number(flags.seed ?? Date.now() % 2 ** 32);
  console.log(`seed ${seed}, ${seconds} s`);
  const run = flags.peers ? comparePeers : explore;
  Deno.exit(await run(targets, seed, seconds) > 0 ? 1 : 0);
}
