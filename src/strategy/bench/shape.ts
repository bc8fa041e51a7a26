/**
 * What a benchmark of strategies says at its end: plain data, which is printed, written as JSON, and compared with later ones.
 *
 * @module
 */

import type { Access, Isolation } from "../plugin.ts";
import type { Timings } from "../stopwatch.ts";
import type { Summary } from "./statistics.ts";

/** The version of {@link Report}'s form. */
export const REPORT_FORMAT = 1;

/** The host that was measured on. */
export interface Machine {
  /** Release of the kernel. */
  readonly kernel: string;
  /** The processor as /proc/cpuinfo names it. */
  readonly cpu: string;
  /** How many processors this process may use. */
  readonly processors: number;
  /** Bytes of memory. */
  readonly memory: number;
  /** Load average over the last minute, as the benchmark began: other work makes figures larger and their spread wider. */
  readonly load: number;
  /** Version of lamina. */
  readonly lamina: string;
  /** Version of the runtime. */
  readonly deno: string;
}

/** An image that was composed. */
export interface MeasuredImage {
  /** The name that it was asked for by. */
  readonly name: string;
  /** Digest of its manifest. */
  readonly digest: string;
  readonly layers: number;
  readonly directories: number;
  /** Entries that are not directories. */
  readonly files: number;
  /** Bytes of content. */
  readonly bytes: number;
  /** Whether it was made for the benchmark. */
  readonly generated: boolean;
}

/** A directory that was composed in. */
export interface MeasuredPlace {
  readonly path: string;
  /** Type of its filesystem. */
  readonly filesystem: string;
  /** Options of its mount and of the filesystem. */
  readonly options: string;
  /** Whether the store is in the same mount. */
  readonly withStore: boolean;
}

/** What was asked of a composition, as far as it decides which strategies come into question. */
export interface Form {
  readonly access: Access;
  readonly isolation: Isolation;
  readonly writable: readonly string[];
}

/**
 * How a composition was met: `first`: the first one of a thread, so by code that was just loaded, as each run of the program has it;
 * `again`: the second one of that process; `cold`: as `first`, with a page cache that was dropped.
 */
export type State = "first" | "again" | "cold";

/** One composition, made and released. Milliseconds. */
export interface Sample {
  readonly round: number;
  readonly state: State;
  /** From asking for it to its record being ready. */
  readonly total: number;
  /** Where that went. */
  readonly timings: Timings;
  /** Releasing it. */
  readonly release: number;
  /** Bytes on disk that it had for itself. */
  readonly bytes: number;
}

/** So many compositions at once. */
export interface AtOnce {
  readonly count: number;
  /** Milliseconds from the start of the first to the end of the last, divided by their number; undefined where they were not made. */
  readonly each: Summary | undefined;
  /** Milliseconds that a single one of them took. */
  readonly latency: Summary | undefined;
  /** All that {@link each} is made of. */
  readonly samples: readonly number[];
  /** Why they were not made. */
  readonly skipped?: string;
}

/** What an estimate said, beside what was measured: the strategy's own work with reading the tree, in milliseconds. */
export interface Estimate {
  /** The cost model's, from micro-measurements. */
  readonly model: number;
  /** What real compositions took before, as a multiple of the model's. */
  readonly correction: number;
  /** What the choice goes by: the product of both. */
  readonly expected: number;
  /** How far it is off from the median of first compositions, in per cent of that: above 0 if it expects too much. */
  readonly errorPercent: number | undefined;
}

/** One strategy at one place with one image. */
export interface Result {
  readonly image: string;
  readonly place: string;
  readonly strategy: string;
  /** Version of its plugin. */
  readonly version: string;
  /** File of an outside plugin. */
  readonly plugin: string | undefined;
  readonly makes: "mount" | "directory";
  /** Under which request it was measured. */
  readonly form: Form;
  /** Why it was not measured; what else is there then is empty. */
  readonly reason: string | undefined;
  /** What to do about that. */
  readonly hint: string | undefined;
  readonly estimate: Estimate | undefined;
  /** Milliseconds of a composition before all others, which made what the strategy keeps of the tree; undefined where there was none to make. */
  readonly making: number | undefined;
  /** Whole compositions, by state; milliseconds. */
  readonly total: Readonly<Partial<Record<State, Summary>>>;
  /** Medians of the parts of first compositions, and of their release; milliseconds. */
  readonly parts: Timings & { readonly release: number } | undefined;
  readonly atOnce: readonly AtOnce[];
  readonly samples: readonly Sample[];
}

/** Whether the choice for one request was right. */
export interface Judgement {
  readonly image: string;
  readonly place: string;
  readonly form: Form;
  /** What was to be made; `any`: no matter. */
  readonly makes: "any" | "directory";
  /** What `auto` takes, by what was known before. */
  readonly chosen: string;
  /** The fastest of those that were measured and meet the request. */
  readonly fastest: string;
  /** How much longer the chosen one takes, in per cent; 0 if it is the fastest. */
  readonly behindPercent: number;
}

/** A whole benchmark. */
export interface Report {
  /** {@link REPORT_FORMAT}. */
  readonly format: number;
  /** When it began, RFC 3339. */
  readonly date: string;
  /** What was asked, as words of a command line. */
  readonly command: readonly string[];
  readonly machine: Machine;
  /** The store's directory. */
  readonly store: string;
  /** Milliseconds that the program takes to start and stop: what a person waits beside all this. */
  readonly startup: Summary | undefined;
  readonly images: readonly MeasuredImage[];
  readonly places: readonly MeasuredPlace[];
  readonly results: readonly Result[];
  readonly judgements: readonly Judgement[];
  /** What else there is to know. */
  readonly notes: readonly string[];
}
