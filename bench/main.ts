/**
 * `deno task bench`: ratios to other tools and to plain system calls, in one run, on fresh filesystems.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { fromFileUrl } from "@std/path";
import { thisMachine } from "../src/strategy/bench/machine.ts";
import type { LoopKind } from "../test/support/loopfs.ts";
import { benchBuild } from "./build.ts";
import { benchChoice } from "./choice/main.ts";
import { draw } from "./draw.ts";
import { benchDirectory, DIRECTORIES } from "./directories.ts";
import { KINDS, makeFilesystem } from "./filesystem.ts";
import { benchGc } from "./gc.ts";
import { Ground, type Subject } from "./ground.ts";
import { agentImages } from "./images.ts";
import { benchLayouts } from "./layouts.ts";
import { benchMounts } from "./mounts.ts";
import { benchPull } from "./pull.ts";
import { benchRebuild } from "./rebuild.ts";
import {
  addSection,
  markdown,
  readRun,
  type Run,
  RUN_FORMAT,
  sameContest,
  type Section,
} from "./report.ts";
import { measureStorage, storageTable } from "./storage.ts";
import { versions } from "./versions.ts";

const USAGE =
  `usage: deno task bench [--what storage,pull,hardlink,reflink,copy,mounts,layouts,rebuild,build,gc,choice] [--fs ext4,xfs,btrfs,tmpfs] [--image NAME] [--rounds N] [--json FILE]
       deno task bench --what choice [--fs ext4,xfs,btrfs,tmpfs] [--quick] [--on DIR] [--times FILE] [--json FILE]

       deno task bench --draw FILE…

Needs root, and dist/lamina (deno task binary). The images are made once in .cache/ (or named by $LAMINA_BENCH_IMAGES, an OCI layout).
--on DIR: composes in DIR/ext4, DIR/xfs …, and uses and keeps what it brings there, instead of fresh filesystems. --rounds 0 only brings it.
--json FILE: what is there already gets more rounds, so that a long run can be made of short ones.
--draw FILE…: prints the tables and draws the plots of what --json wrote.
choice: --times FILE judges the times of an earlier run's JSON.
Peers that are not installed are named and left out; $LAMINA_BENCH_CFSCTL and $LAMINA_BENCH_GO_MICROVM name programs: see bench/README.md.`;

const args = parseArgs(Deno.args, {
  string: ["what", "fs", "image", "rounds", "json", "on", "times"],
  boolean: ["help", "quick", "draw"],
  default: {
    what: "storage,pull,hardlink,reflink,copy,mounts",
    image: "claude-code",
    rounds: "5",
  },
});
if (args.help) {
  console.log(USAGE);
  Deno.exit(0);
}
if (args.draw) {
  draw(args._.map(String));
  Deno.exit(0);
}
const what = new Set(String(args.what).split(","));
const rounds = Number(args.rounds);
const kinds = args.fs === undefined ? undefined : String(args.fs).split(",");
const lamina = fromFileUrl(new URL("../dist/lamina", import.meta.url));

if (what.delete("layouts")) await benchLayouts();
if (what.delete("rebuild")) benchRebuild(rounds);
if (what.delete("gc")) {
  for (const kind of kinds ?? KINDS) await benchGc(lamina, kind as LoopKind, rounds);
}
if (what.delete("choice")) {
  const report = await benchChoice(lamina, {
    kinds: kinds ?? KINDS,
    quick: args.quick === true,
    agents: agentImages,
    on: args.on as string | undefined,
    times: args.times as string | undefined,
  });
  if (args.json) Deno.writeTextFileSync(String(args.json), JSON.stringify(report) + "\n");
}
if (what.size === 0) Deno.exit(0);

const earlier = args.json === undefined ? undefined : readRun(String(args.json));
let run: Run = {
  format: RUN_FORMAT,
  date: earlier?.date ?? new Date().toISOString(),
  machine: thisMachine(),
  versions: versions(lamina),
  sections: earlier?.sections ?? [],
  storage: earlier?.storage ?? [],
};
let failed = false;
console.log(`${run.versions.join(", ")}\nLinux ${run.machine.kernel}, load ${run.machine.load}\n`);

/** Prints what was found, and keeps it. */
function show(text: string, more: Partial<Run>): void {
  console.log(text);
  run = { ...run, ...more };
  if (args.json === undefined) return;
  Deno.writeTextFileSync(String(args.json), JSON.stringify(run, null, 2) + "\n");
}

function showSection(section: Section): void {
  failed ||= section.timings.some(({ skipped }) => skipped?.startsWith("failed"));
  const sections = addSection(run.sections, section);
  show(markdown(sections.find((one) => sameContest(one, section))!), { sections });
}

if (what.delete("build")) showSection(await benchBuild(lamina, rounds));
if (what.size === 0) Deno.exit(failed ? 1 : 0);
const subject: Subject = { lamina, layout: agentImages(), image: String(args.image) };
for (const kind of kinds ?? KINDS.filter((kind) => kind !== "tmpfs")) {
  console.log(`## ${kind}\n`);
  const made = await makeFilesystem(kind, args.on as string | undefined);
  if (typeof made === "string") {
    console.log(`skipped: ${made}\n`);
    continue;
  }
  await using place = made;
  if (what.has("storage")) {
    const costs = await measureStorage(lamina, subject.layout, kind as LoopKind, rounds);
    const others = run.storage.filter((one) => one.kind !== kind);
    show(storageTable(costs), { storage: [...others, costs] });
  }
  if (what.has("pull")) showSection(await benchPull(subject, kind, rounds));
  await using ground = new Ground(subject, place.path, kind === "xfs" || kind === "btrfs");
  for (const strategy of DIRECTORIES.filter((one) => what.has(one))) {
    if (strategy !== "reflink" || ground.clones) {
      showSection(await benchDirectory(strategy, ground, kind, rounds));
    } else console.log(`### reflink on ${kind}\n\nskipped: files cannot share extents there\n`);
  }
  if (what.has("mounts")) showSection(await benchMounts(ground, kind, rounds));
}
Deno.exit(failed ? 1 : 0);
