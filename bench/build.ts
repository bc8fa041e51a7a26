/**
 * A composefs image out of a dump, beside mkcomposefs: the whole program, and its parts in a process of their own.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { formatDump, fsVerityDigest, parseDump, writeErofs } from "../src/tree/mod.ts";
import { TempDir } from "../test/support/temp.ts";
import { generateTree } from "./generated.ts";
import { type Case, interleave } from "./interleave.ts";
import type { Section } from "./section.ts";
import { needing, run } from "./tool.ts";

const ENTRIES = 100_000;

/** Measures. */
export async function benchBuild(lamina: string, rounds: number): Promise<Section> {
  using temp = new TempDir();
  const [dump, ours, theirs] = ["tree.dump", "ours", "theirs"].map((name) =>
    `${temp.path}/${name}`
  );
  Deno.writeFileSync(dump, formatDump(generateTree(ENTRIES)));
  const cases: Case[] = [
    {
      name: "mkcomposefs",
      ...needing("mkcomposefs"),
      run: () => void run("mkcomposefs", ["--from-file", dump, theirs]),
    },
    {
      name: "lamina composefs build",
      run: () => void run(lamina, ["composefs", "build", dump, ours]),
    },
    { name: "lamina --version", run: () => void run(lamina, ["--version"]) },
    ...["parse", "write", "digest"].map((part) => ({
      name: `in a new process: ${part}`,
      run: () =>
        Number(run(Deno.execPath(), ["run", "-A", fromFileUrl(import.meta.url), dump, part])),
    })),
  ];
  const timings = await interleave(cases, rounds);
  const made = timings[0].skipped === undefined;
  return {
    topic: "build",
    filesystem: "the temporary directory",
    image: `a dump of ${ENTRIES.toLocaleString("en")} entries`,
    base: made ? cases[0].name : cases[1].name,
    timings,
    notes: made ? [sameImage(ours, theirs)] : [],
  };
}

function sameImage(ours: string, theirs: string): string {
  const [a, b] = [ours, theirs].map((path) => Deno.readFileSync(path));
  const same = a.length === b.length && a.every((byte, at) => byte === b[at]);
  if (!same) throw new Error("lamina and mkcomposefs made different images of one dump");
  return `Both images are the same ${a.length.toLocaleString("en")} bytes.`;
}

/** Does everything once and says how long one part took: code that was never run before, as in the program. */
function partOf(dump: string, part: string): number {
  const bytes = Deno.readFileSync(dump);
  const times = [performance.now()];
  const root = parseDump(bytes);
  times.push(performance.now());
  const image = writeErofs(root, { format: "auto" });
  times.push(performance.now());
  fsVerityDigest(image);
  times.push(performance.now());
  const index = ["parse", "write", "digest"].indexOf(part);
  return times[index + 1] - times[index];
}

if (import.meta.main) console.log(partOf(Deno.args[0], Deno.args[1]));
