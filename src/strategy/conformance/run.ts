/**
 * The runner: experiment after experiment, on one bed, with one strategy.
 *
 * @module
 */

import type { LoadedPlugin } from "../loader.ts";
import type { Bed } from "./bed.ts";
import { type Case, type CaseResult, type Experiment, Impossible } from "./experiment.ts";
import { Subject, type SubjectOptions } from "./subject.ts";
import { experimentsFor } from "./suite.ts";
import { Traces } from "./traces.ts";

/** How to run the suite. */
export interface RunOptions extends SubjectOptions {
  /** Only cases whose ids hold one of these; default: all. */
  readonly filter?: readonly string[];
  /** How long an experiment may take before what it does counts as something without an end, in milliseconds; default: two minutes. */
  readonly patience?: number;
  /** Called before each experiment. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Tries a strategy. The results are in the order of the suite. */
export async function runSuite(
  bed: Bed,
  plugin: LoadedPlugin,
  options: RunOptions = {},
): Promise<CaseResult[]> {
  const { filter = [""], patience = 120_000, signal, onProgress } = options;
  const subject = await Subject.of(bed, plugin, options);
  const experiments = experimentsFor(subject).map(withCleanliness)
    .map((experiment) => ({ experiment, wanted: matching(experiment.cases, filter) }))
    .filter(({ wanted }) => wanted.length > 0);
  const results: CaseResult[] = [];
  await using _threads = bed.keepThreads();
  for (const [index, { experiment, wanted }] of experiments.entries()) {
    signal?.throwIfAborted();
    onProgress?.(index, experiments.length);
    results.push(...await conduct(subject, experiment, wanted, patience));
  }
  onProgress?.(experiments.length, experiments.length);
  return results;
}

function matching(cases: readonly Case[], filter: readonly string[]): Case[] {
  return cases.filter(({ id }) => filter.some((text) => id.includes(text)));
}

/** The id of the case that every experiment has beside its own. */
const CLEAN = "nothing-left";

function withCleanliness(experiment: Experiment): Experiment {
  const clean = {
    id: `${experiment.id}/${CLEAN}`,
    says: "nothing is left of it: no mount, no file, no record, no open descriptor",
  };
  return { ...experiment, cases: [...experiment.cases, clean] };
}

async function conduct(
  subject: Subject,
  experiment: Experiment,
  wanted: readonly Case[],
  patience: number,
): Promise<CaseResult[]> {
  const { bed, signal } = subject;
  if (experiment.obstacle !== undefined) return skipped(wanted, experiment.obstacle);
  const findings = new Map<string, string[]>();
  const found = (id: string, what: string) => {
    findings.set(id, [...findings.get(id) ?? [], what]);
  };
  const traces = new Traces(bed);
  try {
    await within(patience, experiment.run(subject, found));
  } catch (error) {
    if (error instanceof Impossible) return skipped(wanted, error.message);
    signal?.throwIfAborted();
    const message = error instanceof Error ? error.message : String(error);
    for (const { id } of experiment.cases) {
      if (!id.endsWith(`/${CLEAN}`)) found(id, `it failed: ${message}`);
    }
  }
  for (const trace of traces.found()) found(`${experiment.id}/${CLEAN}`, trace);
  if (findings.size > 0) bed.clear();
  return wanted.map((one) => {
    const what = findings.get(one.id);
    return what === undefined
      ? { ...one, outcome: "passed" }
      : { ...one, outcome: "failed", found: what };
  });
}

/** Waits for something, but not for ever. */
async function within(patience: number, work: Promise<void> | void): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<void>((_, reject) => {
    const error = new Error(`it has not ended within ${patience / 1000} s`);
    timer = setTimeout(() => reject(error), patience);
  });
  try {
    await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function skipped(cases: readonly Case[], reason: string): CaseResult[] {
  return cases.map((one) => ({ ...one, outcome: "skipped", reason }));
}
