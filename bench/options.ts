/**
 * What `deno task bench` is asked for.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { DIRECTORIES } from "./directories.ts";
import { KINDS } from "./filesystem.ts";
import { DIMENSION_NAMES } from "./matrix.ts";
import { STRATEGIES } from "./scale.ts";

/** Topics that need the agent images; the default. */
const REAL: readonly string[] = ["storage", "pull", ...DIRECTORIES, "mounts", "resident"];
const TOPICS = [
  ...REAL,
  "scale",
  "matrix",
  "at-once",
  "choice",
  "layouts",
  "rebuild",
  "build",
  "gc",
];

/** How to call it. */
export const USAGE =
  `usage: deno task bench [--what TOPIC,…] [--fs KIND,…] [--rounds N] [--json FILE] …
       deno task bench --draw FILE…

Needs root, and dist/lamina (deno task binary). Peers that are not installed are named and left out: see bench/README.md.

topics (default: ${
    REAL.join(",")
  }), with images made once in .cache/ or named by $LAMINA_BENCH_IMAGES, an OCI layout:
  storage                   what images take on disk, one after the other
  pull                      an image into an empty store
  hardlink, reflink, copy   directories
  mounts                    mounts
  resident                  all four by lamina serve, beside the command
with generated images:
  scale      time and memory by entries: --entries 1000,20000,100000,1000000 (default: up to 100000)
  matrix     lamina bench on every filesystem: --dimension ${DIMENSION_NAMES.join(",")}
  at-once    1, 8 and 32 compositions at once, beside C and cp
  choice     whether the choice of a strategy is right: --quick; --times FILE judges the times that --json FILE of an earlier run has
  layouts    composefs' metadata in one image or several, on ext4; draws its plot
  rebuild    the tree of an image of which the uppermost layer is new
  build      a composefs image out of a dump
  gc         collecting, on ext4, xfs, btrfs

--fs KIND,…    ext4, xfs, btrfs, tmpfs (default: all that make sense)
--strategy NAME,…  only these of ${
    STRATEGIES.join(", ")
  } (scale, at-once, resident: its mounts together)
--image NAME   instead of claude-code
--rounds N     instead of 5; 0: only makes what is needed first (scale, with --on)
--on DIR       uses DIR/ext4, DIR/xfs … and what an earlier run left there, and keeps it, instead of fresh filesystems (scale, matrix, at-once,
               choice, directories, mounts, resident)
--json FILE    keeps what was found; what is there already gets more rounds, so that a long run can be made of short ones (choice: what is
               there is replaced, so it goes alone; layouts, rebuild, gc: nothing is kept)
--draw FILE…   prints the tables and draws the plots of what --json kept`;

/** Everything that can be asked for. */
export interface Options {
  readonly help: boolean;
  /** Files to draw from, instead of measuring. */
  readonly draw: readonly string[] | undefined;
  readonly topics: ReadonlySet<string>;
  /** Filesystems; undefined: all that make sense. */
  readonly kinds: readonly string[] | undefined;
  readonly image: string;
  readonly rounds: number;
  readonly json: string | undefined;
  readonly on: string | undefined;
  readonly times: string | undefined;
  readonly quick: boolean;
  readonly entries: readonly number[];
  /** None: all. */
  readonly strategies: readonly string[];
  readonly dimensions: readonly string[];
}

/** Reads arguments. Throws what is wrong with them. */
export function readOptions(words: readonly string[]): Options {
  const args = parseArgs([...words], {
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
    unknown: (word, key) => {
      if (key !== undefined) throw new Error(`no option ${word}`);
    },
  });
  const files = args._.map(String);
  if (args.draw && files.length === 0) throw new Error("--draw takes what --json FILE wrote");
  if (!args.draw && files.length > 0) throw new Error(`what is ${files.join(" ")}?`);
  const topics = new Set(list("topic", args.what, TOPICS));
  if (args.json !== undefined && topics.has("choice") && topics.size > 1) {
    throw new Error("choice needs a --json FILE for itself: it replaces what is there");
  }
  return {
    help: args.help === true,
    draw: args.draw ? files : undefined,
    topics,
    kinds: args.fs === undefined ? undefined : list("filesystem", args.fs, KINDS),
    image: String(args.image),
    rounds: count(args.rounds),
    json: args.json as string | undefined,
    on: args.on as string | undefined,
    times: args.times as string | undefined,
    quick: args.quick === true,
    entries: list("number", args.entries).map(count),
    strategies: list("strategy", args.strategy, STRATEGIES),
    dimensions: list("dimension", args.dimension, DIMENSION_NAMES),
  };
}

function list(what: string, text: unknown, known?: readonly string[]): string[] {
  const words = String(text).split(",").filter((word) => word !== "");
  const other = words.find((word) => known?.includes(word) === false);
  if (other !== undefined) throw new Error(`no ${what} ${other}: there are ${known!.join(", ")}`);
  return words;
}

function count(text: unknown): number {
  if (!/^\d+$/.test(String(text))) throw new Error(`${text} is no number`);
  return Number(text);
}
