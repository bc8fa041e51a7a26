/**
 * Estimates beside what was measured, and whether the choice was right.
 *
 * @module
 */

import {
  type Candidate,
  choose,
  type Counts,
  estimate,
  mismatch,
  type Request,
} from "../choice.ts";
import type { Estimate, Form, Judgement, Sample, State } from "./shape.ts";
import { median, summarize, type Summary } from "./statistics.ts";

/** A form as the choice knows it. */
export function requestOf(form: Form, makes: "any" | "directory" = "any"): Request {
  return {
    strategy: "auto",
    ...form,
    upper: undefined,
    verity: "off",
    result: makes === "any" ? undefined : makes,
  };
}

/** The same request, with inodes that may be the store's own. */
export function sharedForm(form: Form): Form {
  return { ...form, isolation: "shared" };
}

/**
 * The form under which a strategy is measured: the one that is asked for, or else the shared one.
 *
 * @returns Why there is none.
 */
export function formFor(
  { traits }: Candidate,
  asked: Form,
  counts: Counts,
): { readonly form: Form; readonly obstacle: string | undefined } {
  const obstacle = mismatch(traits, requestOf(asked), counts);
  const shared = sharedForm(asked);
  if (obstacle === undefined) return { form: asked, obstacle };
  return { form: shared, obstacle: mismatch(traits, requestOf(shared), counts) };
}

/** The times of compositions in one state. */
export function totals(samples: readonly Sample[]): Partial<Record<State, Summary>> {
  const states = [...new Set(samples.map(({ state }) => state))];
  return Object.fromEntries(
    states.map((state) => [
      state,
      summarize(samples.filter((one) => one.state === state).map(({ total }) => total))!,
    ]),
  );
}

/** What was expected, beside first compositions; undefined where the strategy does not work. */
export function estimateOf(
  { verdict, correction }: Candidate,
  counts: Counts,
  samples: readonly Sample[],
): Estimate | undefined {
  if (!verdict.works) return undefined;
  const model = estimate(verdict.cost, counts);
  const expected = model * correction;
  const took = samples.filter(({ state }) => state === "first").map(({ timings }) =>
    timings.tree + timings.work
  );
  const errorPercent = took.length === 0 ? undefined : (expected / median(took) - 1) * 100;
  return { model, correction, expected, errorPercent };
}

/** What was measured of one strategy. */
export interface Measured {
  readonly candidate: Candidate;
  /** Milliseconds of a whole first composition: the median. */
  readonly first: number;
}

/** Judges the choice for a request; undefined where there was none to make. */
export function judge(
  measured: readonly Measured[],
  form: Form,
  makes: "any" | "directory",
  counts: Counts,
): Omit<Judgement, "image" | "place"> | undefined {
  const request = requestOf(form, makes);
  const able = measured.filter(({ candidate }) =>
    mismatch(candidate.traits, request, counts) === undefined
  );
  if (able.length < 2) return undefined;
  const { chosen } = choose(able.map(({ candidate }) => candidate), request, counts);
  const own = able.find(({ candidate }) => candidate.name === chosen)!;
  const best = able.reduce((a, b) => (b.first < a.first ? b : a));
  const behindPercent = (own.first / best.first - 1) * 100;
  return { form, makes, chosen, fastest: best.candidate.name, behindPercent };
}
