/**
 * `lamina plugin check`.
 *
 * @module
 */

import { resolve, toFileUrl } from "@std/path";
import {
  type CaseResult,
  checkAt,
  countCases,
  LOOP_KINDS,
  type LoopKind,
  type Place,
  type PlaceReport,
  skippedReasons,
} from "../../strategy/conformance/mod.ts";
import { BUILT_IN, builtIn, type LoadedPlugin, loadPlugin } from "../../strategy/loader.ts";
import { usageError } from "../parse.ts";
import { defineCommand } from "../spec.ts";
import { realPath } from "../streams.ts";
import type { Screen } from "../terminal/screen.ts";
import { printable } from "../terminal/printable.ts";
import { plural } from "../terminal/units.ts";

export default defineCommand({
  description:
    "Composes images with everything that layers can say, compares them with what they should be, entry by entry, and " +
    "tries what goes wrong: writes that must not reach the store, failures half-way, releases at odd times, many at once. " +
    "Works in stores of its own, on filesystems that it makes (which takes root), and leaves nothing behind. " +
    "Exits with 1 if something failed.",
  arguments: [{
    name: "PLUGIN",
    complete: "file",
    summary: "a plugin's file, or the name of a built-in strategy",
  }],
  flags: [
    {
      name: "on",
      value: "DIR",
      repeat: true,
      complete: "directory",
      summary: "try it in this directory, not on filesystems that are made",
    },
    {
      name: "filesystem",
      value: "TYPE",
      repeat: true,
      choices: ["ext4", "xfs", "btrfs"],
      summary: "make a filesystem of this type (default: one of each)",
    },
    {
      name: "filter",
      value: "TEXT",
      repeat: true,
      summary: "only the cases whose ids hold this",
    },
  ],
  examples: [
    { command: "lamina plugin check ./mine.js", says: "everything, on ext4, XFS and btrfs" },
    {
      command: "lamina plugin check ./mine.js --filesystem xfs --filter tree/rw/whiteouts",
      says: "some cases, on one of them",
    },
    { command: "lamina plugin check copy --on /srv --on /tmp", says: "where it will be used" },
  ],
}, async (context, { args, flags }) => {
  const places = placesOf(flags.on, flags.filesystem);
  const plugin = await load(args.plugin);
  const reports: PlaceReport[] = [];
  {
    using progress = await context.progress();
    for (const place of places) {
      const label = place.kind === "made" ? place.filesystem : place.path;
      const task = progress.task(label, undefined, "entries");
      reports.push(
        await checkAt(place, plugin, {
          ...flags.filter.length === 0 ? {} : { filter: flags.filter },
          signal: context.signal,
          program: ownProgram(),
          onProgress: (done, total) => task.update(done, total),
        }),
      );
      task.finish();
    }
  }
  const all = reports.flatMap(({ cases }) => cases);
  const count = countCases(all);
  if (flags.filter.length > 0 && all.length === 0 && reports.some((one) => !one.skipped)) {
    throw usageError(
      "lamina plugin check",
      `no case has \`${flags.filter.join("` or `")}\` in its id`,
    );
  }
  const { name, version, source: { file } } = plugin;
  return {
    document: {
      plugin: { name, version, file },
      ...count,
      places: reports.map((report) => ({ ...report, ...countCases(report.cases) })),
    },
    text: (screen) =>
      reports.map((report) => described(report, args.plugin, context.globals.verbose, screen))
        .join("\n"),
    brief: reports.flatMap(({ place, cases }) =>
      cases.filter(({ outcome }) => outcome === "failed").map(({ id }) => `${place} ${id}`)
    ),
    code: count.failed > 0 ? 1 : 0,
  };
});

function placesOf(on: readonly string[], filesystems: readonly LoopKind[]): Place[] {
  const directories = on.map((path): Place => ({
    kind: "directory",
    path: realPath(path, "checking a plugin"),
  }));
  const kinds = directories.length === 0 && filesystems.length === 0 ? LOOP_KINDS : filesystems;
  return [...directories, ...kinds.map((filesystem): Place => ({ kind: "made", filesystem }))];
}

async function load(name: string): Promise<LoadedPlugin> {
  if (BUILT_IN.includes(name)) return await loadPlugin(builtIn(name));
  const file = resolve(name);
  return await loadPlugin({ url: toFileUrl(file).href, file });
}

/** How to run this program in a process of its own. */
function ownProgram(): string[] {
  const own = Deno.execPath();
  return Deno.build.standalone ? [own] : [own, "run", "-A", "--quiet", Deno.mainModule];
}

function described(
  report: PlaceReport,
  plugin: string,
  verbose: boolean,
  screen: Screen,
): string {
  const { place, filesystem, cases } = report;
  const where = place === filesystem ? place : `${place} (${filesystem})`;
  if (report.skipped !== undefined) {
    return `${screen.paint("bold", where)}: ${
      screen.paint("yellow", "skipped")
    }: ${report.skipped}\n`;
  }
  const { passed, failed, skipped } = countCases(cases);
  const counts = [
    `${passed} passed`,
    failed > 0 ? screen.paint("red", `${failed} failed`) : "0 failed",
    `${skipped} skipped`,
  ].join(", ");
  const lines = [`${screen.paint("bold", where)}: ${counts}`];
  for (const one of cases) {
    if (one.outcome === "failed") lines.push(...failure(one, report, plugin, screen));
    else if (verbose) lines.push(`  ${one.outcome}  ${one.id}: ${one.says}`);
  }
  for (const [reason, number] of skippedReasons(cases)) {
    lines.push(`  ${plural(number, "case")} skipped: ${printable(reason)}`);
  }
  return lines.join("\n") + "\n";
}

/** How many lines of what was found are shown; `--json` has all. */
const SHOWN = 5;

function failure(
  one: CaseResult,
  { place, filesystem }: PlaceReport,
  plugin: string,
  screen: Screen,
): string[] {
  const found = one.found ?? [];
  const more = found.length > SHOWN ? [`and ${found.length - SHOWN} more`] : [];
  const at = place === filesystem ? `--filesystem ${place}` : `--on ${place}`;
  return [
    `  ${screen.paint("red", "failed")}  ${screen.paint("bold", one.id)}`,
    `    expected: ${one.says}`,
    ...[...found.slice(0, SHOWN), ...more].map((line) => `    found:    ${printable(line)}`),
    `    again:    lamina plugin check ${plugin} ${at} --filter ${one.id}`,
  ];
}
