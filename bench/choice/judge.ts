/**
 * Choices and estimates beside what was measured.
 *
 * @module
 */

import { requestOf } from "../../src/strategy/bench/judge.ts";
import type { Form } from "../../src/strategy/bench/shape.ts";
import { compareSamples, median } from "../../src/strategy/bench/statistics.ts";
import { type Candidate, choose, estimate, mismatch, rank } from "../../src/strategy/choice.ts";
import type { ProbeReport } from "../../src/strategy/probe.ts";
import { FORMS, type ImageFacts, type MeasuredCase, type Times } from "./measure.ts";

/** What is asked for, under which name. */
export interface Asked {
  readonly name: string;
  readonly form: Form;
  readonly makes: "any" | "directory";
}

const [RW, RO, LISTED] = FORMS;

/** The requests that are judged. */
export const REQUESTS: readonly Asked[] = [
  { name: "default", form: RW, makes: "any" },
  { name: "--access ro", form: RO, makes: "any" },
  { name: "--writable", form: LISTED, makes: "any" },
  { name: "a directory", form: RW, makes: "directory" },
  { name: "a directory, ro", form: RO, makes: "directory" },
  { name: "a directory, --writable", form: LISTED, makes: "directory" },
];

/** One strategy that met a request. */
export interface Standing {
  readonly strategy: string;
  readonly estimateMs: number;
  /** What is compared: the median, with a part of what making took where something was to be kept first. */
  readonly measuredMs: number;
  readonly samples: readonly number[];
}

/** One choice. */
export interface Verdict {
  readonly filesystem: string;
  readonly image: string;
  readonly request: string;
  readonly chosen: Standing;
  readonly fastest: Standing;
  /** How much longer the chosen one takes, in per cent. */
  readonly behindPercent: number;
  /** Whether the times of the two differ beyond noise (test of Mann, Whitney and Wilcoxon, 5 %). */
  readonly toldApart: boolean;
}

/** One estimate. */
export interface Guess {
  readonly filesystem: string;
  readonly image: string;
  readonly strategy: string;
  readonly access: string;
  readonly estimateMs: number;
  readonly measuredMs: number;
}

/** The strategies as the choice would see them for a case and a form. */
export type Probed = (image: ImageFacts, access: "ro" | "rw") => readonly ProbeReport[];

/** The times of a strategy for a form: those of its own, or else those that are the same. */
function timesFor({ times }: MeasuredCase, strategy: string, form: Form): Times | undefined {
  const own = times.filter((one) => one.strategy === strategy);
  const exact = own.find((one) => JSON.stringify(one.form) === JSON.stringify(form));
  return exact ?? own.find(({ form: { access } }) => access === form.access) ?? own[0];
}

/** Judges the choice for one request; undefined where there is none to make. */
export function judgeChoice(
  one: MeasuredCase,
  asked: Asked,
  reports: readonly ProbeReport[],
  kept: boolean,
): Verdict | undefined {
  const request = requestOf(asked.form, asked.makes);
  const { counts } = one.image;
  const candidates = reports.map((report): Candidate => ({ ...report, kept }));
  const able = candidates.flatMap((candidate) => {
    const { name, verdict } = candidate;
    const times = timesFor(one, name, asked.form);
    if (!verdict.works || mismatch(candidate.traits, request, counts) || times === undefined) {
      return [];
    }
    return [{ candidate, ...standing(candidate, times, one) }];
  });
  if (able.length < 2) return undefined;
  const { chosen: name } = choose(able.map(({ candidate }) => candidate), request, counts);
  const chosen = able.find(({ strategy }) => strategy === name)!;
  const fastest = able.reduce((a, b) => (b.measuredMs < a.measuredMs ? b : a));
  const interval = compareSamples(chosen.samples, fastest.samples).interval;
  return {
    filesystem: one.filesystem,
    image: one.image.name,
    request: asked.name,
    chosen: withoutCandidate(chosen),
    fastest: withoutCandidate(fastest),
    behindPercent: (chosen.measuredMs / fastest.measuredMs - 1) * 100,
    toldApart: interval !== undefined && interval[0] > 1,
  };
}

function withoutCandidate({ strategy, estimateMs, measuredMs, samples }: Standing): Standing {
  return { strategy, estimateMs, measuredMs, samples };
}

function standing(candidate: Candidate, times: Times, { image: { counts } }: MeasuredCase) {
  const later = median(times.milliseconds);
  const making = candidate.kept || times.making === undefined ? 0 : times.making - later;
  return {
    strategy: candidate.name,
    estimateMs: estimateOf(candidate, counts),
    measuredMs: rank(later, making),
    samples: times.milliseconds,
  };
}

function estimateOf({ verdict, correction }: Candidate, counts: ImageFacts["counts"]): number {
  return verdict.works ? estimate(verdict.cost, counts) * correction : NaN;
}

/** Puts estimates beside what was measured. */
export function judgeEstimates(one: MeasuredCase, probed: Probed): Guess[] {
  return one.times.flatMap(({ strategy, form, milliseconds }) => {
    const report = probed(one.image, form.access).find(({ name }) => name === strategy);
    if (report === undefined || !report.verdict.works) return [];
    return [{
      filesystem: one.filesystem,
      image: one.image.name,
      strategy,
      access: form.access,
      estimateMs: estimateOf(report, one.image.counts),
      measuredMs: median(milliseconds),
    }];
  });
}
