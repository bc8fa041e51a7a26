/**
 * `lamina bench`.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import { cannotDrop } from "../../strategy/bench/cold.ts";
import { type Change, compareReports, readEarlier } from "../../strategy/bench/compare.ts";
import { mergeReports } from "../../strategy/bench/merge.ts";
import { benchmark } from "../../strategy/bench/run.ts";
import type { Report } from "../../strategy/bench/shape.ts";
import type { LoadedPlugin } from "../../strategy/loader.ts";
import { findSubjects } from "../bench_subjects.ts";
import { usageError } from "../parse.ts";
import { selfCommand } from "../self.ts";
import { defineCommand } from "../spec.ts";
import { checkOutput, writeOutput } from "../streams.ts";
import { benchmarkText, changesText } from "../terminal/benchmark.ts";
import { printable } from "../terminal/printable.ts";
import { parseCounts, parseRecipe } from "../values.ts";

/** Milliseconds that all rounds together should take. */
const BUDGET = 20_000;

export default defineCommand({
  description:
    "Composes each image by each strategy in turn, round after round, and releases it again: by code that was just " +
    "loaded, as each run of the program has it (FIRST), and once more in the same process (AGAIN). Strategies that do " +
    "not give what is asked for are measured under --isolation shared. Says beside it what was expected, and whether " +
    "the strategy `auto` would have been the fastest. Takes some 20 seconds, as long again for --at-once, and a few rounds at least. Nothing is " +
    "left behind.",
  arguments: [{
    name: "IMAGE",
    optional: true,
    repeat: true,
    complete: "image",
    summary: "what to compose (default: all stored images; generated ones if there are none)",
  }],
  flags: [
    {
      name: "generate",
      value: "FILES[,SHAPE][,layers=N]",
      repeat: true,
      summary:
        "with an image that is made for this, of so many files; SHAPE is mixed (the default), small, large, " +
        "deep or wide; may be repeated",
    },
    {
      name: "on",
      value: "DIR",
      repeat: true,
      complete: "directory",
      summary: "where to compose (default: beside the store); may be repeated",
    },
    {
      name: "strategy",
      value: "NAME",
      repeat: true,
      complete: "strategy",
      summary: "only this strategy; may be repeated",
    },
    {
      name: "access",
      value: "ACCESS",
      choices: ["ro", "rw"],
      default: "rw",
      summary: "whether the root filesystems would be written to",
    },
    {
      name: "isolation",
      value: "ISOLATION",
      choices: ["full", "shared"],
      default: "full",
      summary: "as `lamina compose` has it",
    },
    {
      name: "writable",
      value: "PATH",
      repeat: true,
      summary: "as `lamina compose` has it",
    },
    { name: "rounds", value: "N", summary: "just so many rounds" },
    {
      name: "at-once",
      value: "N,N…",
      summary: "also so many compositions at once, such as 1,8,32",
    },
    {
      name: "cold",
      summary: "also with a cold page cache: drops that of the whole host, as root",
    },
    {
      name: "against",
      value: "PATH",
      complete: "file",
      summary: "compare with an earlier --json result, or the latest of those in a directory",
    },
    {
      name: "html",
      value: "FILE",
      complete: "file",
      summary: "also write it as a page, with plots and all figures",
    },
  ],
  examples: [
    { command: "lamina bench", says: "all stored images, beside the store" },
    {
      command: "lamina bench app --on /srv --on /mnt/fast --rounds 10",
      says: "one image in two places",
    },
    {
      command:
        "lamina bench --generate 20000,small --generate 5000,layers=400 --on /mnt/xfs --on /mnt/ext4",
      says: "two generated images in two places, each with a store of its own",
    },
    {
      command: "lamina bench app --against before.json",
      says: "what changed since `lamina bench app --json > before.json`",
    },
    {
      command: "lamina bench app --at-once 1,8,32 --cold --html bench.html",
      says: "a page to look at in a browser",
    },
    {
      command: "lamina bench app --plugin ./mine.js",
      says: "an outside strategy beside the others",
    },
  ],
}, async (context, { args, flags }) => {
  const rounds = flags.rounds === undefined
    ? undefined
    : parseCounts(flags.rounds, "--rounds", "lamina bench", 1)[0];
  const atOnce = flags["at-once"] === undefined
    ? []
    : parseCounts(flags["at-once"], "--at-once", "lamina bench");
  const obstacle = flags.cold ? cannotDrop() : undefined;
  if (obstacle !== undefined) throw obstacle;
  // Before it takes its time, not after.
  if (flags.html !== undefined) checkOutput(flags.html);
  const earlier = flags.against === undefined ? undefined : readEarlier(flags.against);
  const recipes = flags.generate.map((text) => parseRecipe(text, "lamina bench"));
  if (recipes.length > 0 && args.image.length > 0) {
    throw usageError("lamina bench", "--generate makes the images", "name no IMAGE beside it");
  }
  const plugins = chosen(await context.plugins(), flags.strategy);
  using subjects = await findSubjects(context, { names: args.image, recipes, places: flags.on });
  const { all, notes } = subjects;
  using progress = await context.progress();
  const task = progress.task("composing and releasing", undefined, "entries");
  let turns = 0;
  const reports: Report[] = [];
  for (const { store, images, places } of all) {
    reports.push(
      await benchmark(store, {
        plugins,
        images,
        places,
        form: { access: flags.access, isolation: flags.isolation, writable: flags.writable },
        pace: { rounds, budget: BUDGET / all.length },
        atOnce,
        cold: flags.cold,
        program: selfCommand(),
        command: ["lamina", ...Deno.args],
        notes,
        signal: context.signal,
        onTurn: () => task.update(turns++),
      }),
    );
  }
  const report = mergeReports(reports);
  const changes = earlier && compareReports(report, earlier);
  if (flags.html !== undefined) await writePage(flags.html, report, flags.against, changes);
  return {
    document: { ...report, ...(changes === undefined ? {} : { changes }) },
    text: (screen) =>
      benchmarkText(report, screen) +
      (changes === undefined ? "" : changesText(changes, flags.against!, screen)) +
      (flags.html === undefined ? "" : `\nwritten as a page to ${printable(flags.html)}\n`),
    brief: report.judgements.filter(({ makes }) => makes === "any").map(({ fastest }) => fastest),
  };
});

/** Plots are drawn by libraries that nothing else needs: they are loaded for this. */
async function writePage(
  file: string,
  report: Report,
  path: string | undefined,
  changes: readonly Change[] | undefined,
): Promise<void> {
  const { benchmarkPage } = await import("../page/benchmark.ts");
  const against = changes === undefined ? undefined : { path: path!, changes };
  writeOutput(file, new TextEncoder().encode(benchmarkPage(report, against)));
}

/** The plugins that take part. */
function chosen(
  plugins: readonly LoadedPlugin[],
  names: readonly string[],
): readonly LoadedPlugin[] {
  const unknown = names.find((name) => !plugins.some((plugin) => plugin.name === name));
  if (unknown !== undefined) {
    throw new LaminaError("not-found", `choosing strategies: there is none named ${unknown}`, {
      hint: `There are: ${plugins.map(({ name }) => name).join(", ")}.`,
    });
  }
  return names.length === 0 ? plugins : plugins.filter(({ name }) => names.includes(name));
}
