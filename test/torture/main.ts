/**
 * `deno task torture`: commands killed at every system call, system calls that fail, power that goes off, and many processes at once.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { notCompiled } from "../e2e/program.ts";
import { available, LOOP_KINDS } from "../support/loopfs.ts";
import { lacks, notRoot } from "../support/root.ts";
import { TempDir } from "../support/temp.ts";
import { turmoil } from "./concurrency.ts";
import { failEverywhere } from "./faults.ts";
import { fillDisk } from "./full.ts";
import { Ground } from "./ground.ts";
import { killEverywhere } from "./kill.ts";
import { cutPower } from "./power.ts";
import { SCENARIOS } from "./scenario.ts";

const USAGE =
  `usage: deno task torture [--what kill,faults,full,power,turmoil] [--step N] [--seconds N] [--only COMMAND] [--in DIR]

  --step N      every Nth system call is a point (1: all of them; hours)
  --seconds N   how long the many processes go on (600)
  --only WORD   commands whose name has this word
  --in DIR      where the stores are, on the filesystem to be tried

Needs root, strace and dist/lamina (deno task compile). What goes wrong is left for you to look at.`;

const args = parseArgs(Deno.args, {
  string: ["what", "step", "seconds", "only", "in"],
  boolean: ["help"],
  default: { what: "kill,faults,full,power,turmoil", step: "1", seconds: "600", only: "" },
});
const why = notRoot() ?? notCompiled() ?? lacks("strace");
if (args.help || why !== undefined) {
  console.log(why ?? USAGE);
  Deno.exit(why === undefined ? 0 : 1);
}
const what = new Set(String(args.what).split(","));
const step = Number(args.step);
const scenarios = SCENARIOS.filter(({ name }) => name.includes(String(args.only)));

// Deleted only where all goes well.
const temp = new TempDir(args.in === undefined ? undefined : String(args.in));
const ground = await Ground.make(temp.path);
const screen = new TextEncoder();
const show = (point: string) => Deno.stderr.writeSync(screen.encode(`\r\x1b[K${point}`));
console.log("| what | command or filesystem | times | minutes |\n| --- | --- | ---: | ---: |");

/** Does something as often as it goes, and prints a row. */
async function row(kind: string, name: string, run: () => Promise<number>): Promise<void> {
  const begun = performance.now();
  const times = await run();
  const minutes = ((performance.now() - begun) / 60_000).toFixed(1);
  show("");
  console.log(`| ${kind} | ${name} | ${times.toLocaleString("en")} | ${minutes} |`);
}

if (what.has("kill")) {
  for (const scenario of scenarios) {
    await row("kill -9", scenario.name, () => killEverywhere(ground, scenario, step, show));
  }
}
if (what.has("faults")) {
  for (const scenario of scenarios) {
    await row("fault", scenario.name, () => failEverywhere(ground, scenario, step, show));
  }
}
if (what.has("full")) {
  const rooms = Array.from({ length: 48 }, (_, i) => (i + 1) * 64 * 1024);
  await row("full disk", "ext4", () => fillDisk(ground, rooms, show));
}
if (what.has("power")) {
  for (const kind of LOOP_KINDS) {
    const missing = available(kind) ?? available("xfs");
    if (missing === undefined) await row("power cut", kind, () => cutPower(ground, kind, 50, 4));
    else console.log(`| power cut | ${kind} | skipped: ${missing} | |`);
  }
}
if (what.has("turmoil")) {
  const until = Date.now() + Number(args.seconds) * 1000;
  await row("commands", "16 processes at once", async () => {
    const { commands, refused } = await turmoil(ground, 16, until);
    show("");
    for (const [line, times] of refused) console.error(`${times} × ${line}`);
    return commands;
  });
}
temp[Symbol.dispose]();
