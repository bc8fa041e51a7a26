/**
 * The choice of a strategy: the cheapest estimate among those that work here and meet the request.
 *
 * Pure: what was probed comes in, a table with a reason in every row goes out.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { WORTH_A_WORKER } from "./materialize/threads.ts";
import type { TreeLayout } from "../store/mod.ts";
import type { Access, Cost, Isolation, Traits, Upper, Verdict } from "./plugin.ts";

/** What the caller asks of a composition, as far as it decides which strategies come into question. */
export interface Request {
  /** A strategy's name, or `auto`. */
  readonly strategy: string;
  /** What the caller will do there. */
  readonly access: Access;
  /** Whether inodes may be the store's own. */
  readonly isolation: Isolation;
  /** Paths that must be writable, see {@link plugin!Job.writable}. */
  readonly writable: readonly string[];
  /** Where writes are to go; undefined: no matter. */
  readonly upper: Upper | undefined;
  /** Whether owners are to be mapped, see {@link plugin!Job.idmap}; default: no. */
  readonly idmap?: boolean;
  /** `require`: only strategies that check content while it is read; `try`: prefer them; `off`: no matter. */
  readonly verity: "off" | "try" | "require";
  /** How the tree's metadata is laid out; undefined: any way. What is not `squashed` only some strategies know. */
  readonly layout?: TreeLayout;
  /** Only a mount point, or only a plain directory; undefined: either. */
  readonly result?: "mount" | "directory";
}

/** The sizes that costs grow with. */
export interface Counts {
  /** The image's layers; those with contents in a place apart count twice. */
  readonly layers: number;
  /** Directories of the merged tree. */
  readonly directories: number;
  /** Entries that are not directories. */
  readonly files: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** Files of more than a block (4,096 bytes); undefined where nobody counted. */
  readonly large?: number;
}

/** All entries of the merged tree. */
export function entriesOf({ directories, files }: Counts): number {
  return directories + files;
}

/**
 * The class of an image: what compositions of one took says something of the others. What is fixed weighs more in images of few entries,
 * what grows with bytes in those of large files.
 */
export function classOf(counts: Counts): string {
  const decade = (n: number) => Math.floor(Math.log10(Math.max(1, n)));
  const size = decade(counts.bytes / Math.max(1, counts.files));
  return `10^${decade(entriesOf(counts))} entries of 10^${size} bytes`;
}

/** A strategy with what its probe found. */
export interface Candidate {
  /** The strategy's name. */
  readonly name: string;
  /** What it is like. */
  readonly traits: Traits;
  /** What its probe found. */
  readonly verdict: Verdict;
  /** What real compositions took, as a multiple of their estimates; 1 when there were none. */
  readonly correction: number;
  /** Whether what it keeps of the tree is there, so that it need not be made first; true by default. */
  readonly kept?: boolean;
}

/** One line of `--explain`. */
export interface Row {
  /** The strategy's name. */
  readonly name: string;
  /** What it makes. */
  readonly result: "mount" | "directory";
  /** Whether its probe succeeded. */
  readonly works: boolean;
  /** Whether it works and meets the request. */
  readonly eligible: boolean;
  /** Whether it is the one. */
  readonly chosen: boolean;
  /** Milliseconds that composing is expected to take; undefined where it does not work. */
  readonly estimateMs: number | undefined;
  /** What the estimate was multiplied with, because real compositions took so much more or less; 1: nothing. */
  readonly correction: number;
  /** Why it is not eligible, or why it is chosen or not. */
  readonly reason: string;
  /** What to do to make it work, where something can be done. */
  readonly hint: string | undefined;
}

/** What was chosen, and the table that shows why. */
export interface Choice {
  /** Name of the strategy. */
  readonly chosen: string;
  /** Milliseconds that composing with it is expected to take. */
  readonly estimateMs: number;
  /** One sentence. */
  readonly why: string;
  /** One row for each candidate, in their order. */
  readonly rows: readonly Row[];
}

/**
 * Estimates are no better than this: of two that are closer, the strategy that stands first in the list is taken, so that noise does not
 * decide.
 */
const TIE = 1.1;

/**
 * What is made once, to be kept for later compositions of the tree, counts as one part of so many: it is made where that pays from the
 * third composition on, so that no first one takes more than three times what it would take otherwise. Not two: on btrfs the subvolume
 * for snapshots takes twice as long to make as hard links do, and noise would decide.
 */
const COMPOSED = 3;

const MIB = 1024 * 1024;

/** How many files are larger than a block, where nobody counted: most files of a root filesystem are small, one in five or so is not. */
const LARGE = 0.2;

/** The milliseconds that a cost comes to. */
export function estimate(cost: Cost, counts: Counts): number {
  const left = pays(cost, counts) ? cost.shared ?? 1 : 1;
  return cost.fixedMs + cost.msPerLayer * counts.layers + growing(cost, counts) * left;
}

/** Whether a second thread pays for what grows with the tree. */
export function pays(cost: Cost, counts: Counts): boolean {
  return (cost.shared ?? 1) < 1 && growing(cost, counts) > WORTH_A_WORKER;
}

/** The milliseconds that grow with the tree, in one thread. */
function growing(cost: Cost, counts: Counts): number {
  const { large = LARGE * counts.files } = counts;
  const us = cost.usPerDirectory * counts.directories + cost.usPerFile * counts.files +
    (cost.usPerLarge ?? 0) * large + cost.usPerMiB * counts.bytes / MIB;
  return us / 1000;
}

/**
 * What strategies are compared by: the mean of this composition and two later ones, where this one first makes what is kept for later ones.
 *
 * @param laterMs What a composition takes when that is there.
 * @param makingMs What making it takes; 0 where it is there, or there is none.
 */
export function rank(laterMs: number, makingMs: number): number {
  return laterMs + makingMs / COMPOSED;
}

/** Why a strategy with these traits does not meet a request, or undefined if it does. */
export function mismatch(traits: Traits, request: Request, counts: Counts): string | undefined {
  if (request.result !== undefined && traits.result !== request.result) {
    return `makes a ${traits.result}, not a ${request.result}`;
  }
  if (!traits.access.includes(request.access)) {
    return `makes ${traits.access.join(" and ")} compositions, not ${request.access}`;
  }
  if (
    request.access === "rw" && traits.isolation === "shared" && request.isolation === "full" &&
    request.writable.length === 0
  ) {
    return "shares inodes with the store: needs --access ro, --writable PATH or --isolation shared";
  }
  if (request.upper !== undefined && request.access === "rw" && !traits.upper) {
    return "has no upper directory (--upper)";
  }
  if (request.idmap && !traits.idmap) return "cannot show other owners (--idmap)";
  if (request.verity === "require" && !traits.integrity) {
    return "cannot check content while it is read (--verity require)";
  }
  if (foreignLayout(traits, request)) return `has no metadata images (--layout ${request.layout})`;
  if (traits.maxLayers !== undefined && counts.layers > traits.maxLayers) {
    return `takes ${traits.maxLayers} layers at most; this image has ${counts.layers}`;
  }
  return undefined;
}

/** Whether a layout is asked for that strategies with these traits know nothing of. */
function foreignLayout(traits: Traits, { layout = "squashed" }: Request): boolean {
  return layout !== "squashed" && traits.layouts !== true;
}

interface Judged {
  readonly candidate: Candidate;
  /** What this composition will take. */
  readonly estimateMs: number | undefined;
  /** What later ones of the tree will take. */
  readonly laterMs?: number;
  /** What is compared: see {@link rank}. */
  readonly rankMs?: number;
  readonly obstacle: string | undefined;
}

function judge(candidate: Candidate, request: Request, counts: Counts): Judged {
  const { verdict } = candidate;
  if (!verdict.works) {
    return { candidate, estimateMs: undefined, obstacle: `does not work here: ${verdict.reason}` };
  }
  const laterMs = estimate(verdict.cost, counts) * candidate.correction;
  const { keepCost } = verdict;
  const makingMs = candidate.kept === false && keepCost !== undefined
    ? estimate(keepCost, counts)
    : 0;
  return {
    candidate,
    estimateMs: laterMs + makingMs,
    laterMs,
    rankMs: rank(laterMs, makingMs),
    obstacle: mismatch(candidate.traits, request, counts),
  };
}

/**
 * Chooses a strategy.
 *
 * @param candidates In the order that decides between equals.
 * @throws {LaminaError} `unsupported` when none will do, or the one asked for does not; `not-found` when there is none of that name.
 */
export function choose(
  candidates: readonly Candidate[],
  request: Request,
  counts: Counts,
): Choice {
  const judged = candidates.map((candidate) => judge(candidate, request, counts));
  const eligible = judged.filter((entry) => entry.obstacle === undefined);
  const best = request.strategy === "auto" ? cheapest(eligible, request) : named(judged, request);
  if (best === undefined) throw noneWorks(judged);
  const why = sentence(best, eligible, request);
  return {
    chosen: best.candidate.name,
    estimateMs: best.estimateMs!,
    why,
    rows: judged.map((entry) => row(entry, best, why)),
  };
}

function cheapest(eligible: readonly Judged[], request: Request): Judged | undefined {
  const checking = eligible.filter((entry) => entry.candidate.traits.integrity);
  const pool = request.verity === "try" && checking.length > 0 ? checking : eligible;
  const least = Math.min(...pool.map((entry) => entry.rankMs!));
  return pool.find((entry) => entry.rankMs! <= least * TIE);
}

function named(judged: readonly Judged[], request: Request): Judged {
  const name = request.strategy;
  const found = judged.find((entry) => entry.candidate.name === name);
  if (found === undefined) {
    throw new LaminaError("not-found", `choosing a strategy: there is none named ${name}`, {
      hint: `There are: ${judged.map((entry) => entry.candidate.name).join(", ")}.`,
    });
  }
  if (foreignLayout(found.candidate.traits, request)) {
    throw new LaminaError("usage", `composing with ${name}: it knows no --layout`, {
      hint: "Leave --layout away, or ask for --strategy composefs.",
    });
  }
  if (found.obstacle !== undefined) {
    const { verdict } = found.candidate;
    throw new LaminaError("unsupported", `composing with ${name}: it ${found.obstacle}`, {
      hint: (verdict.works ? undefined : verdict.hint) ??
        "Leave --strategy away, and lamina takes the fastest that works; --explain shows all.",
    });
  }
  return found;
}

function noneWorks(judged: readonly Judged[]): LaminaError {
  const reasons = judged.map((entry) => `${entry.candidate.name} ${entry.obstacle}`).join("; ");
  return new LaminaError("unsupported", `choosing a strategy: none meets the request: ${reasons}`, {
    hint: "Ask for less (--access ro, no --upper, --verity off), or compose on another filesystem.",
  });
}

function sentence(best: Judged, eligible: readonly Judged[], request: Request): string {
  if (request.strategy !== "auto") return "asked for";
  const others = eligible.filter((entry) => entry !== best);
  if (others.length === 0) return "the only one that works and meets the request";
  const next = others.reduce((a, b) => (b.rankMs! < a.rankMs! ? b : a));
  const than = `${next.candidate.name} (${milliseconds(next.estimateMs!)})`;
  const own = milliseconds(best.estimateMs!);
  if (best.estimateMs! > best.laterMs!) {
    return `${own} expected, and ${
      milliseconds(best.laterMs!)
    } for later ones of this image; next is ${than}`;
  }
  if (best.rankMs! <= next.rankMs!) return `${own} expected, the least; next is ${than}`;
  if (request.verity === "try" && best.candidate.traits.integrity) {
    return `${own} expected, and it checks content, unlike ${than}`;
  }
  return `${own} expected, as good as ${than}`;
}

function row(entry: Judged, best: Judged, why: string): Row {
  const { candidate, estimateMs, obstacle } = entry;
  const { verdict } = candidate;
  return {
    name: candidate.name,
    result: candidate.traits.result,
    works: verdict.works,
    eligible: obstacle === undefined,
    chosen: entry === best,
    estimateMs,
    correction: candidate.correction,
    reason: obstacle ?? (entry === best ? why : "works, but is not the cheapest"),
    hint: verdict.works ? undefined : verdict.hint,
  };
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
