/**
 * What was found about choices and estimates, as Markdown.
 *
 * @module
 */

import { table } from "../table.ts";
import type { Guess, Verdict } from "./judge.ts";

/** An estimate is good within this part of what was measured. */
const GOOD = 0.3;
/** A choice is good within so many per cent of the fastest. */
const NEAR = 10;

/** What was judged under one state of knowledge. */
export interface Judged {
  /** What was known: nothing but the probe, or also what compositions took before. */
  readonly known: string;
  readonly verdicts: readonly Verdict[];
  readonly guesses: readonly Guess[];
}

/** The shares of what is right, as a table. */
export function summary(all: readonly Judged[]): string {
  const rows = all.map(({ known, verdicts, guesses }) => {
    const cells = [
      share(verdicts, ({ behindPercent }) => behindPercent === 0),
      share(verdicts, ({ behindPercent, toldApart }) => behindPercent === 0 || !toldApart),
      share(verdicts, ({ behindPercent }) => behindPercent <= NEAR),
      share(guesses, isGood),
    ];
    return [known, String(verdicts.length), ...cells];
  });
  const heads = [
    "known",
    "choices",
    "the fastest",
    "… or not told apart from it",
    `within ${NEAR} % of it`,
    `estimates within ±${100 * GOOD} %`,
  ];
  return [...table(heads, rows), ""].join("\n");
}

/** How far estimates are off, by strategy and filesystem: how many are good, and the median of estimate / measured. */
export function estimates({ known, guesses }: Judged): string {
  const filesystems = [...new Set(guesses.map(({ filesystem }) => filesystem))];
  const strategies = [...new Set(guesses.map(({ strategy }) => strategy))];
  const cell = (own: readonly Guess[]) => {
    if (own.length === 0) return "";
    const ratios = own.map((one) => one.estimateMs / one.measuredMs).sort((a, b) => a - b);
    const [low, middle, high] = [0, ratios.length >> 1, ratios.length - 1].map((at) =>
      ratios[at].toFixed(2)
    );
    return `${share(own, isGood)}: ${middle} (${low}–${high})`;
  };
  const rows = strategies.map((strategy) => {
    const cells = filesystems.map((filesystem) =>
      cell(guesses.filter((one) => one.strategy === strategy && one.filesystem === filesystem))
    );
    return [strategy, ...cells];
  });
  return [
    `Estimates within ±30 %: estimate / measured, median and range; ${known}`,
    "",
    ...table(["", ...filesystems], rows, Infinity),
    "",
  ].join("\n");
}

/** The choices that were not the fastest beyond noise, or are too far behind it. */
export function misses({ known, verdicts }: Judged): string {
  const missed = verdicts
    .filter(({ behindPercent, toldApart }) =>
      behindPercent > NEAR || behindPercent > 0 && toldApart
    )
    .sort((a, b) => b.behindPercent - a.behindPercent);
  const rows = missed.map((one) => {
    const { filesystem, image, request, chosen, fastest, behindPercent } = one;
    const [own, other] = [chosen, fastest].map(({ strategy, estimateMs, measuredMs }) =>
      `${strategy}: ${estimateMs.toFixed(1)} / ${measuredMs.toFixed(1)}`
    );
    const behind = `${behindPercent.toFixed(0)} %`;
    return [filesystem, image, request, own, other, behind, reasonOf(one)];
  });
  const chosen = "chosen: estimate / measured, ms";
  const heads = ["on", "image", "request", chosen, "fastest", "behind", "because"];
  return [
    `Missed, ${known}: ${missed.length} of ${verdicts.length}`,
    "",
    ...table(heads, rows, Infinity),
    "",
  ].join("\n");
}

function reasonOf({ chosen, fastest, toldApart }: Verdict): string {
  const [own, other] = [chosen, fastest].map((one) => one.estimateMs / one.measuredMs);
  const says = (name: string, ratio: number) =>
    Math.abs(ratio - 1) <= 0.1 ? [] : [`${name} estimated at ${ratio.toFixed(2)} of its time`];
  const reasons = [...says(chosen.strategy, own), ...says(fastest.strategy, other)];
  if (reasons.length === 0) reasons.push("estimates as close as this do not decide");
  return [...reasons, ...(toldApart ? [] : ["not told apart"])].join("; ");
}

function isGood({ estimateMs, measuredMs }: Guess): boolean {
  return Math.abs(estimateMs / measuredMs - 1) <= GOOD;
}

function share<T>(all: readonly T[], which: (one: T) => boolean): string {
  if (all.length === 0) return "–";
  return `${(100 * all.filter(which).length / all.length).toFixed(1)} %`;
}
