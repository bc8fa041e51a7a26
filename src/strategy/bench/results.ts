/**
 * What was measured, summed up.
 *
 * @module
 */

import type { Crowds, Entry } from "./entry.ts";
import { estimateOf, judge, sharedForm, totals } from "./judge.ts";
import type { AtOnce, Form, Judgement, Result, Sample } from "./shape.ts";
import { median, summarize } from "./statistics.ts";

/** What was measured of a strategy. */
export function resultOf(entry: Entry, places: readonly string[]): Result {
  const { image, place, report, counts, form, samples, reason, hint } = entry;
  return {
    image: image.name,
    place: places[place],
    strategy: report.name,
    version: report.plugin.version,
    plugin: report.plugin.source.file,
    makes: report.traits.result,
    form,
    reason,
    hint,
    estimate: estimateOf(report, counts, samples),
    making: entry.making,
    total: totals(samples),
    parts: partsOf(samples),
    atOnce: samples.length === 0 ? [] : entry.crowds.map(atOnceOf),
    samples,
  };
}

function atOnceOf({ count, made, skipped }: Crowds): AtOnce {
  const samples = made.map(({ each }) => each);
  return {
    count,
    each: summarize(samples),
    latency: summarize(made.flatMap(({ latencies }) => latencies)),
    samples,
    ...skipped === undefined ? {} : { skipped },
  };
}

function partsOf(samples: readonly Sample[]): Result["parts"] {
  const first = samples.filter(({ state }) => state === "first");
  if (first.length === 0) return undefined;
  const of = (part: (sample: Sample) => number) => median(first.map(part));
  return {
    record: of(({ timings }) => timings.record),
    choose: of(({ timings }) => timings.choose),
    tree: of(({ timings }) => timings.tree),
    work: of(({ timings }) => timings.work),
    release: of(({ release }) => release),
  };
}

/** The fastest first, what was not measured last. */
export function byTime(a: Result, b: Result): number {
  const [first, second] = [a, b].map(({ total }) => total.first?.median ?? Number.MAX_VALUE);
  return first - second;
}

/** The choices among all strategies and among those that make directories, for the form that was asked for and the shared one. */
export function judgementsOf(
  group: readonly Entry[],
  form: Form,
  places: readonly string[],
): Judgement[] {
  if (group.length === 0) return [];
  const [{ image, place, counts }] = group;
  const measured = group.flatMap(({ report, samples, reason }) => {
    const first = reason === undefined ? totals(samples).first : undefined;
    return first === undefined ? [] : [{ candidate: report, first: first.median }];
  });
  const forms = form.isolation === "shared" ? [form] : [form, sharedForm(form)];
  return forms.flatMap((form) =>
    (["any", "directory"] as const).flatMap((makes) => {
      const judged = judge(measured, form, makes, counts);
      return judged === undefined ? [] : [{ image: image.name, place: places[place], ...judged }];
    })
  );
}
