/**
 * A benchmark's report for a person: tables with bars, one set for each image at each place.
 *
 * @module
 */

import type { Change } from "../../strategy/bench/compare.ts";
import type {
  Form,
  Judgement,
  MeasuredImage,
  MeasuredPlace,
  Report,
  Result,
} from "../../strategy/bench/shape.ts";
import type { Summary } from "../../strategy/bench/statistics.ts";
import { bar } from "./bars.ts";
import { learned } from "./explanation.ts";
import type { Screen } from "./screen.ts";
import { type Column, table } from "./table.ts";
import { printable } from "./printable.ts";
import { count, duration, plural, size } from "./units.ts";

/** Columns that a bar takes. */
const BAR = { least: 4, most: 20 } as const;
/** What the table of times needs without bars, and without what is asked for and made. */
const [WHOLE, NARROW] = [101, 75];

/** See the module. */
export function benchmarkText(report: Report, screen: Screen): string {
  const { machine, startup, places, images } = report;
  const parts = [
    `lamina ${machine.lamina}, Linux ${machine.kernel}, ${
      plural(machine.processors, "processor")
    } ` +
    `(${machine.cpu}), load ${machine.load}\n` +
    (startup === undefined ? "" : `starting the program takes ${duration(startup.median)}\n`) +
    report.notes.map((note) => `${note}\n`).join(""),
  ];
  for (const place of places) {
    for (const image of images) {
      const here = <T extends { image: string; place: string }>(all: readonly T[]) =>
        all.filter((one) => one.image === image.name && one.place === place.path);
      parts.push(section(image, place, here(report.results), here(report.judgements), screen));
    }
  }
  return parts.join("\n");
}

function section(
  image: MeasuredImage,
  place: MeasuredPlace,
  results: readonly Result[],
  judgements: readonly Judgement[],
  screen: Screen,
): string {
  const measured = results.filter(({ reason }) => reason === undefined);
  const others = results.filter(({ reason }) => reason !== undefined);
  const tables = measured.length === 0
    ? []
    : [times(measured, screen), expectations(measured, screen), crowds(measured, screen)];
  return `${heading(image, place, screen)}\n\n` +
    [
      ...tables,
      measured.map((one) => one.making === undefined ? "" : `${keeping(one)}\n`).join(""),
      judgements.map((one) => `${judgement(one)}\n`).join(""),
      others.map((one) => `${printable(absence(one))}\n`).join(""),
    ].filter((text) => text !== "").join("\n");
}

function heading(image: MeasuredImage, place: MeasuredPlace, screen: Screen): string {
  const { name, layers, files, directories, bytes } = image;
  const where = `${place.path} (${place.filesystem}${
    place.withStore ? "" : ", not the store's mount"
  })`;
  return `${screen.paint("bold", printable(name))} in ${printable(where)}\n${
    plural(layers, "layer")
  }, ${count(files)} files in ${plural(directories, "directory", "directories")}, ${size(bytes)}`;
}

function times(results: readonly Result[], screen: Screen): string {
  const cold = results.some(({ total }) => total.cold !== undefined);
  // Where it is narrow, lines below say what was asked for.
  const whole = screen.columns >= WHOLE + BAR.least;
  const room = screen.columns - (whole ? WHOLE : NARROW);
  const width = Math.min(BAR.most, Math.max(BAR.least, room));
  const slowest = Math.max(...results.map(({ total }) => total.first?.median ?? 0));
  const columns: Column[] = [
    { title: "STRATEGY", style: () => "bold" },
    ...whole ? [{ title: "MAKES" }, { title: "ASKED" }] : [],
    { title: "FIRST", right: true },
    { title: "10–90 %", right: true },
    { title: "", style: () => "cyan" },
    { title: "AGAIN", right: true },
    ...cold ? [{ title: "COLD", right: true }] : [],
    { title: "RELEASE", right: true },
    { title: whole ? "ROUNDS" : "N", right: true },
  ];
  const rows = results.map(({ strategy, makes, form, total, parts }) => [
    strategy,
    ...whole ? [makes, asked(form)] : [],
    middle(total.first),
    spread(total.first),
    total.first === undefined ? "" : bar(total.first.median / slowest, width, screen),
    middle(total.again),
    ...cold ? [middle(total.cold)] : [],
    parts === undefined ? "-" : duration(parts.release),
    String(total.first?.n ?? 0),
  ]);
  const others = results.filter(({ form }) => asked(form) !== asked(results[0].form));
  const notes = whole ? [] : others.map((one) => `${one.strategy}: asked for ${asked(one.form)}\n`);
  return table(columns, rows, screen) + notes.join("");
}

function expectations(results: readonly Result[], screen: Screen): string {
  const columns: Column[] = [
    { title: "FIRST, BY PARTS", style: () => "bold" },
    { title: "RECORD", right: true },
    { title: "CHOOSE", right: true },
    { title: "TREE", right: true },
    { title: "WORK", right: true },
    { title: "EXPECTED", right: true },
    {
      title: "OFF BY",
      right: true,
      style: (row) => /^.?[3-9]\d|\d{3}/.test(row[6]) ? "yellow" : undefined,
    },
    { title: "LEARNED", right: true },
  ];
  const rows = results.map(({ strategy, parts, estimate }) => [
    strategy,
    ...(["record", "choose", "tree", "work"] as const).map((part) =>
      parts === undefined ? "-" : duration(parts[part])
    ),
    estimate === undefined ? "-" : duration(estimate.expected),
    estimate?.errorPercent === undefined ? "-" : percent(estimate.errorPercent),
    estimate === undefined ? "" : learned(estimate.correction),
  ]);
  return table(columns, rows, screen);
}

/** Compositions at once: what each takes, and how that compares with the fewest. */
function crowds(results: readonly Result[], screen: Screen): string {
  const counts = [...new Set(results.flatMap(({ atOnce }) => atOnce.map((one) => one.count)))];
  if (counts.length === 0) return "";
  const columns: Column[] = [
    { title: "AT ONCE, EACH", style: () => "bold" },
    ...counts.map((n) => ({ title: String(n), right: true })),
  ];
  const rows = results.map(({ strategy, atOnce }) => [
    strategy,
    ...counts.map((n) => {
      const one = atOnce.find((other) => other.count === n);
      return one?.each === undefined ? one?.skipped ?? "-" : duration(one.each.median);
    }),
  ]);
  return table(columns, rows, screen);
}

/** What changed since an earlier benchmark. */
export function changesText(changes: readonly Change[], against: string, screen: Screen): string {
  if (changes.length === 0) return `\nnothing of this was measured in ${printable(against)}\n`;
  const columns: Column[] = [
    { title: "IMAGE", shrinks: true },
    { title: "IN", shrinks: true },
    { title: "STRATEGY", style: () => "bold" },
    { title: "" },
    { title: "BEFORE", right: true },
    { title: "NOW", right: true },
    { title: "RATIO", right: true },
    { title: "95 %", right: true },
    {
      title: "",
      style: (row) => row[8] === "slower" ? "red" : row[8] === "faster" ? "green" : "dim",
    },
  ];
  const rows = changes.map((change) => [
    change.image,
    change.place,
    change.strategy,
    change.state,
    duration(change.before),
    duration(change.now),
    `×${change.ratio.toFixed(2)}`,
    change.interval === undefined ? "-" : change.interval.map((end) => end.toFixed(2)).join(" – "),
    change.verdict === "same"
      ? "within noise"
      : change.verdict === "unknown"
      ? "too few rounds"
      : change.verdict,
  ]);
  return `\nagainst ${printable(against)}\n\n${table(columns, rows, screen)}`;
}

/** Whether the choice was right, in one sentence. */
export function judgement({ form, makes, chosen, fastest, behindPercent }: Judgement): string {
  const asking = `${asked(form)}${makes === "directory" ? ", a directory" : ""}`;
  const verdict = chosen === fastest
    ? "the fastest measured"
    : `${behindPercent.toFixed(0)} % slower than ${fastest}`;
  return `auto for ${asking}: ${chosen}, ${verdict}`;
}

function keeping({ strategy, making }: Result): string {
  return `${strategy}: made what it keeps of the image before, in ${duration(making!)}`;
}

function absence({ strategy, reason, hint }: Result): string {
  return `${strategy}: not measured: ${reason}${hint === undefined ? "" : ` (${hint})`}`;
}

/** A form as a person asks for it: `rw full`. */
export function asked({ access, isolation, writable }: Form): string {
  return [access, isolation, ...writable.map((path) => `+${path}`)].join(" ");
}

function middle(summary: Summary | undefined): string {
  return summary === undefined ? "-" : duration(summary.median);
}

function spread(summary: Summary | undefined): string {
  if (summary === undefined || summary.n < 3) return "-";
  return `${duration(summary.p10)} – ${duration(summary.p90)}`;
}

/** `+12 %`. */
function percent(value: number): string {
  return `${value < 0 ? "-" : "+"}${Math.abs(value).toFixed(0)} %`;
}
