/**
 * `deno task bench`: ratios to other tools and to plain system calls, in one run, on fresh filesystems.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { thisMachine } from "../src/strategy/bench/machine.ts";
import { LOOP_KINDS } from "../test/support/loopfs.ts";
import { benchBuild } from "./build.ts";
import { benchChoice } from "./choice/main.ts";
import { benchCrowds } from "./crowds.ts";
import { benchDirectory, DIRECTORIES } from "./directories.ts";
import { draw } from "./draw.ts";
import { findFilesystem, KINDS, sharesExtents } from "./filesystem.ts";
import { benchGc } from "./gc.ts";
import { Ground, type Subject } from "./ground.ts";
import { agentImages } from "./images.ts";
import { benchLayouts } from "./layouts.ts";
import { benchMatrix, matrixText } from "./matrix.ts";
import { benchMountCalls } from "./mount_calls.ts";
import { benchMounts } from "./mounts.ts";
import { type Options, readOptions, USAGE } from "./options.ts";
import { benchPull } from "./pull.ts";
import { benchRebuild } from "./rebuild.ts";
import { benchResident } from "./resident.ts";
import { Results } from "./results.ts";
import { benchScale, scaleTable } from "./scale.ts";
import { measureStorage, storageTable } from "./storage.ts";
import { versions } from "./versions.ts";

const lamina = fromFileUrl(new URL("../dist/lamina", import.meta.url));

/** Topics that print what they find, and keep it in no file with the others. */
async function measureApart(options: Options): Promise<void> {
  const { topics, kinds, rounds, json } = options;
  if (topics.has("layouts")) await benchLayouts();
  if (topics.has("rebuild")) benchRebuild(rounds);
  if (topics.has("gc")) {
    const able = LOOP_KINDS.filter((kind) => kinds === undefined || kinds.includes(kind));
    for (const kind of able) await benchGc(lamina, kind, rounds);
  }
  if (topics.has("choice")) {
    const { quick, on, times } = options;
    const how = { kinds: kinds ?? KINDS, quick, agents: agentImages, on, times };
    const report = await benchChoice(lamina, how);
    if (json !== undefined) Deno.writeTextFileSync(json, JSON.stringify(report) + "\n");
  }
}

/** Topics with generated images, on each filesystem. */
const GENERATED = ["matrix", "scale", "at-once"];
/** All that are measured on each filesystem. */
const EVERYWHERE = [...GENERATED, "storage", "pull", "mounts", "resident", ...DIRECTORIES];

async function measureOn(kind: string, path: string, options: Options, results: Results) {
  const { topics, rounds } = options;
  const clones = sharesExtents(kind);
  if (topics.has("matrix")) {
    for (const dimension of options.dimensions) {
      const part = benchMatrix(lamina, path, kind, dimension, rounds);
      results.add({ matrix: [part] });
      console.log(matrixText(part));
    }
  }
  if (topics.has("scale")) {
    for (const entries of options.entries) {
      const how = { entries, strategies: options.strategies, rounds };
      const scale = await benchScale(lamina, path, kind, clones, how);
      results.add({ scale });
      console.log(scaleTable(scale));
    }
  }
  if (topics.has("at-once")) {
    const crowds = await benchCrowds(lamina, path, kind, clones, options.strategies, rounds);
    for (const section of crowds) results.addSection(section);
  }
  if (!EVERYWHERE.some((topic) => topics.has(topic) && !GENERATED.includes(topic))) return;
  const subject: Subject = { lamina, layout: agentImages(), image: options.image };
  if (topics.has("storage")) {
    const costs = await measureStorage(lamina, subject.layout, kind, rounds);
    results.add({ storage: [costs] });
    console.log(storageTable(costs));
  }
  if (topics.has("pull")) results.addSection(await benchPull(subject, kind, rounds));
  await using ground = new Ground(subject, path, clones);
  for (const strategy of DIRECTORIES.filter((one) => topics.has(one))) {
    if (strategy !== "reflink" || clones) {
      results.addSection(await benchDirectory(strategy, ground, kind, rounds));
    } else console.log(`### reflink on ${kind}\n\nskipped: files cannot share extents there\n`);
  }
  if (topics.has("mounts")) {
    results.addSection(await benchMounts(ground, kind, rounds));
    results.addSection(await benchMountCalls(ground, kind, rounds));
  }
  if (!topics.has("resident")) return;
  for await (const section of benchResident(ground, kind, options.strategies, rounds)) {
    results.addSection(section);
  }
}

/** Measures; false if something failed. */
async function measure(options: Options): Promise<boolean> {
  const { topics, json, on, rounds } = options;
  await measureApart(options);
  const everywhere = EVERYWHERE.some((topic) => topics.has(topic));
  if (!everywhere && !topics.has("build")) return true;
  const machine = thisMachine();
  const results = new Results(machine, versions(lamina), json);
  console.log(
    `${results.run.versions.join(", ")}\nLinux ${machine.kernel}, load ${machine.load}\n`,
  );
  if (topics.has("build")) results.addSection(await benchBuild(lamina, rounds));
  if (!everywhere) return !results.failed;
  const generated = GENERATED.some((topic) => topics.has(topic));
  for (const kind of options.kinds ?? (generated ? KINDS : LOOP_KINDS)) {
    console.log(`## ${kind}\n`);
    const found = await findFilesystem(kind, on);
    if (typeof found === "string") {
      console.log(`skipped: ${found}\n`);
      continue;
    }
    await using place = found;
    await measureOn(kind, place.path, options, results);
  }
  return !results.failed;
}

/** Does what is asked for. Returns the exit code. */
async function main(words: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = readOptions(words);
  } catch (error) {
    console.error(`bench: ${(error as Error).message}; --help says what there is`);
    return 2;
  }
  if (options.help) console.log(USAGE);
  else if (options.draw !== undefined) draw(options.draw);
  else return await measure(options) ? 0 : 1;
  return 0;
}

// Filesystems that were made are unmounted when the program exits, but not when a signal ends it.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => Deno.exit(1));
}
Deno.exit(await main(Deno.args));
