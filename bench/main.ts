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
import { benchMatrix, DIMENSION_NAMES, matrixText } from "./matrix.ts";
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
import { addScale, benchScale, scaleTable } from "./scale.ts";
import { measureStorage, storageTable } from "./storage.ts";
import { versions } from "./versions.ts";

/** Topics that need the agent images; the default. */
const REAL: readonly string[] = ["storage", "pull", ...DIRECTORIES, "mounts"];

const USAGE = `usage: deno task bench [--what TOPIC,…] [--fs KIND,…] [--rounds N] [--json FILE] …
       deno task bench --draw FILE…

Needs root, and dist/lamina (deno task binary). Peers that are not installed are named and left out: see bench/README.md.

topics (default: ${
  REAL.join(",")
}), with images made once in .cache/ or named by $LAMINA_BENCH_IMAGES, an OCI layout:
  storage                   what images take on disk, one after the other
  pull                      an image into an empty store
  hardlink, reflink, copy   directories
  mounts                    mounts
with generated images:
  scale      time and memory by entries: --entries 1000,20000,100000,1000000 (default: up to 100000), --strategy NAME,…
  matrix     lamina bench on every filesystem: --dimension ${DIMENSION_NAMES.join(",")}
  choice     whether the choice of a strategy is right: --quick, --times FILE (judges the times of an earlier run's JSON)
  layouts, rebuild, build, gc

--fs KIND,…    ext4, xfs, btrfs, tmpfs (default: all that make sense)
--image NAME   instead of claude-code
--on DIR       uses DIR/ext4, DIR/xfs …, with what an earlier run left there, and keeps it, instead of fresh filesystems; --rounds 0 only brings it
--json FILE    keeps what was found; what is there already gets more rounds, so that a long run can be made of short ones
--draw FILE…   prints the tables and draws the plots of what --json kept`;

const args = parseArgs(Deno.args, {
  string: [
    "what",
    "fs",
    "image",
    "rounds",
    "json",
    "on",
    "times",
    "entries",
    "strategy",
    "dimension",
  ],
  boolean: ["help", "quick", "draw"],
  default: {
    what: REAL.join(","),
    image: "claude-code",
    rounds: "5",
    entries: "1000,20000,100000",
    strategy: "",
    dimension: DIMENSION_NAMES.join(","),
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
// Filesystems that were made are unmounted when the program exits, but not when a signal ends it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => Deno.exit(1));
}
const list = (text: unknown) => String(text).split(",").filter((word) => word !== "");
const what = new Set(list(args.what));
const rounds = Number(args.rounds);
const kinds = args.fs === undefined ? undefined : list(args.fs);
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
  scale: earlier?.scale ?? [],
  matrix: earlier?.matrix ?? [],
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
const generated = what.has("matrix") || what.has("scale");
for (const kind of kinds ?? KINDS.filter((kind) => kind !== "tmpfs" || generated)) {
  console.log(`## ${kind}\n`);
  const made = await makeFilesystem(kind, args.on as string | undefined);
  if (typeof made === "string") {
    console.log(`skipped: ${made}\n`);
    continue;
  }
  await using place = made;
  const clones = kind === "xfs" || kind === "btrfs";
  if (what.has("matrix")) {
    for (const dimension of list(args.dimension)) {
      const part = benchMatrix(lamina, place.path, kind, dimension, rounds);
      const others = run.matrix.filter((one) =>
        one.dimension !== dimension || one.filesystem !== kind
      );
      show(matrixText(part), { matrix: [...others, part] });
    }
  }
  if (what.has("scale")) {
    for (const entries of list(args.entries).map(Number)) {
      const options = { entries, strategies: list(args.strategy), rounds };
      const costs = await benchScale(lamina, place.path, kind, clones, options);
      show(scaleTable(costs), { scale: addScale(run.scale, costs) });
    }
  }
  if (![...what].some((topic) => REAL.includes(topic))) continue;
  const subject: Subject = { lamina, layout: agentImages(), image: String(args.image) };
  if (what.has("storage")) {
    const costs = await measureStorage(lamina, subject.layout, kind as LoopKind, rounds);
    const others = run.storage.filter((one) => one.kind !== kind);
    show(storageTable(costs), { storage: [...others, costs] });
  }
  if (what.has("pull")) showSection(await benchPull(subject, kind, rounds));
  await using ground = new Ground(subject, place.path, clones);
  for (const strategy of DIRECTORIES.filter((one) => what.has(one))) {
    if (strategy !== "reflink" || clones) {
      showSection(await benchDirectory(strategy, ground, kind, rounds));
    } else console.log(`### reflink on ${kind}\n\nskipped: files cannot share extents there\n`);
  }
  if (what.has("mounts")) showSection(await benchMounts(ground, kind, rounds));
}
Deno.exit(failed ? 1 : 0);
