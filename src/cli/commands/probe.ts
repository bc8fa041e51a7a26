/**
 * `lamina probe`.
 *
 * @module
 */

import { realPath } from "../streams.ts";
import { type Counts, estimate } from "../../strategy/choice.ts";
import { countsOf, dataLayers } from "../../strategy/compose.ts";
import { probe, type ProbeReport } from "../../strategy/probe.ts";
import { inflateLibrary } from "../../layer/inflate_library.ts";
import { defineCommand } from "../spec.ts";
import type { Screen } from "../terminal/screen.ts";
import { table } from "../terminal/table.ts";
import { count, duration, size } from "../terminal/units.ts";
import { parseUpper } from "../values.ts";

/** What estimates are for where no image is named: about what a language's runtime image holds. */
const TYPICAL: Counts = { layers: 5, directories: 1_500, files: 15_000, bytes: 500_000_000 };

export default defineCommand({
  description:
    "Tries, on the filesystems of the store and of PATH, the very operations that composing there would take, and " +
    "measures them. What is found is remembered until the next boot. What it makes is removed again. Says, too, what " +
    "inflates gzip layers: ISA-L (libisal.so.2) where the host has it, unless $LAMINA_INFLATE is `zlib`.",
  arguments: [{
    name: "PATH",
    optional: true,
    complete: "directory",
    summary: "an existing directory where targets would be (default: the working directory)",
  }],
  flags: [
    {
      name: "image",
      value: "IMAGE",
      complete: "image",
      summary: "estimate for this image (default: for a typical one)",
    },
    {
      name: "access",
      value: "ACCESS",
      choices: ["ro", "rw"],
      default: "rw",
      summary: "whether root filesystems would be written to",
    },
    {
      name: "upper",
      value: "DIR",
      complete: "directory",
      summary: "where writes would go: a directory, or tmpfs[:SIZE] (default: in the store)",
    },
    { name: "fresh", summary: "ask again also what is remembered" },
  ],
  examples: [
    { command: "lamina probe /srv", says: "what works for targets in /srv" },
    {
      command: "lamina probe /srv --image debian:12 --fresh",
      says: "and what composing an image there would take",
    },
  ],
}, async (context, { args, flags }) => {
  const store = await context.store({ create: true });
  const image = flags.image === undefined ? undefined : store.images.find(flags.image);
  const counts = image === undefined ? TYPICAL : countsOf(store, image);
  const data = image !== undefined && dataLayers(store, image) > 0;
  const target = realPath(args.path ?? ".", "probing");
  using _shared = store.shared();
  const upper = flags.upper === undefined ? undefined : parseUpper(flags.upper, "lamina probe");
  const reports = await probe(
    store,
    { target, access: flags.access, upper, data },
    await context.plugins(),
    { fresh: flags.fresh, image: { tree: image?.tree.digest, counts } },
  );
  const { layers, directories, files, bytes } = counts;
  return {
    document: {
      store: store.root,
      target,
      inflate: inflateLibrary(),
      counts: { layers, directories, files, bytes },
      strategies: reports.map((report) => ({
        name: report.name,
        summary: report.plugin.summary,
        traits: report.traits,
        ...report.verdict,
        ...estimated(report, counts),
        remembered: report.remembered,
      })),
    },
    text: (screen) =>
      tabled(reports, counts, screen) +
      `\nEstimates are for ${
        image === undefined ? "a typical image" : flags.image
      }: ${layers} layers, ` +
      `${count(files)} files in ${count(directories)} directories, ${size(bytes)}.\n` +
      `Store: ${store.root}; target: ${target}. Gzip is inflated by ${inflateLibrary()}.\n`,
    brief: reports.filter((report) => report.verdict.works).map((report) => report.name),
  };
});

function estimated({ verdict, correction }: ProbeReport, counts: Counts): { estimateMs?: number } {
  return verdict.works ? { estimateMs: estimate(verdict.cost, counts) * correction } : {};
}

function tabled(reports: readonly ProbeReport[], counts: Counts, screen: Screen): string {
  return table(
    [
      { title: "STRATEGY", style: () => "bold" },
      { title: "WORKS", style: (row) => row[1] === "yes" ? "green" : "yellow" },
      { title: "MAKES" },
      { title: "ISOLATION" },
      { title: "ESTIMATE", right: true },
      { title: "", shrinks: true },
    ],
    reports.map((report) => {
      const { name, plugin, traits, verdict } = report;
      const { estimateMs } = estimated(report, counts);
      return [
        name,
        verdict.works ? "yes" : "no",
        traits.result,
        traits.isolation,
        estimateMs === undefined ? "-" : duration(estimateMs),
        verdict.works
          ? verdict.notes?.join("; ") ?? plugin.summary
          : verdict.hint === undefined
          ? verdict.reason
          : `${verdict.reason} (${verdict.hint})`,
      ];
    }),
    screen,
  );
}
