/**
 * What runs found, as JSON: for tables and plots, and for more rounds.
 *
 * @module
 */

import type { Machine } from "../src/strategy/bench/shape.ts";
import type { MatrixPart } from "./matrix.ts";
import { addScale, type ScaleCost } from "./scale.ts";
import { addSection, markdown, sameContest, type Section } from "./section.ts";
import type { StorageCosts } from "./storage.ts";

const FORMAT = 1;

/** What was found. */
export interface Found {
  readonly sections: readonly Section[];
  readonly storage: readonly StorageCosts[];
  readonly scale: readonly ScaleCost[];
  readonly matrix: readonly MatrixPart[];
}

/** One or more runs, on one machine. */
export interface Run extends Found {
  /** The version of this form. */
  readonly format: typeof FORMAT;
  /** When the first began, RFC 3339. */
  readonly date: string;
  readonly machine: Machine;
  /** What took part, with its version. */
  readonly versions: readonly string[];
}

/** Reads what an earlier run wrote; undefined if there is none. */
export function readRun(file: string): Run | undefined {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const run = JSON.parse(text);
  if (run.format !== FORMAT) throw new Error(`${file} is no result of this benchmark`);
  return run;
}

/** Adds what was found: as more rounds where there are some of the same; storage and matrix are measured as a whole, and replaced. */
export function addFound<T extends Found>(all: T, more: Partial<Found>): T {
  const { sections = [], storage = [], scale = [], matrix = [] } = more;
  const storedOn = new Set(storage.map(({ kind }) => kind));
  const part = ({ dimension, filesystem }: MatrixPart) => `${dimension} ${filesystem}`;
  const parts = new Set(matrix.map(part));
  return {
    ...all,
    sections: sections.reduce(addSection, all.sections),
    storage: [...all.storage.filter(({ kind }) => !storedOn.has(kind)), ...storage],
    scale: addScale(all.scale, scale),
    matrix: [...all.matrix.filter((one) => !parts.has(part(one))), ...matrix],
  };
}

/** The results of a run, written whenever there are more. */
export class Results {
  readonly #file: string | undefined;
  #run: Run;
  #failed = false;

  /** @param file The JSON: what is there already stays. */
  constructor(machine: Machine, versions: readonly string[], file: string | undefined) {
    this.#file = file;
    const date = new Date().toISOString();
    const nothing = { sections: [], storage: [], scale: [], matrix: [] };
    const earlier = file === undefined ? undefined : readRun(file);
    this.#run = { date, ...nothing, ...earlier, format: FORMAT, machine, versions };
  }

  get run(): Run {
    return this.#run;
  }

  /** Whether a contestant failed. */
  get failed(): boolean {
    return this.#failed;
  }

  /** See {@link addFound}. */
  add(more: Partial<Found>): void {
    this.#run = addFound(this.#run, more);
    if (this.#file === undefined) return;
    Deno.writeTextFileSync(this.#file, JSON.stringify(this.#run, null, 2) + "\n");
  }

  /** Adds a section, and prints it with all its rounds. */
  addSection(section: Section): void {
    this.#failed ||= section.timings.some(({ skipped }) => skipped?.startsWith("failed"));
    this.add({ sections: [section] });
    console.log(markdown(this.#run.sections.find((one) => sameContest(one, section))!));
  }
}
