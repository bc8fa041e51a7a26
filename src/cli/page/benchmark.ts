/**
 * A benchmark's report as a page: one file that needs nothing else, plots above and all figures below.
 *
 * @module
 */

import type { Change } from "../../strategy/bench/compare.ts";
import type { MeasuredImage, MeasuredPlace, Report, Result } from "../../strategy/bench/shape.ts";
import { judgement } from "../terminal/benchmark.ts";
import { count, duration, plural, size } from "../terminal/units.ts";
import {
  absencesTable,
  changesTable,
  crowdsTable,
  partsTable,
  samplesTable,
  timesTable,
} from "./figures.ts";
import { Html, html, type Value } from "./html.ts";
import {
  changesPlot,
  crowdsPlot,
  type Key,
  longest,
  PHASE_KEYS,
  phasesPlot,
  samplesPlot,
  STATE_KEYS,
  strategyKeys,
} from "./plots.ts";
import { STYLE } from "./style.ts";

/** An earlier result that was compared with. */
export interface Against {
  /** The file or directory that was named. */
  readonly path: string;
  readonly changes: readonly Change[];
}

/** The whole page, an HTML document. */
export function benchmarkPage(report: Report, against: Against | undefined): string {
  const absent = report.results.filter(({ reason }) => reason !== undefined);
  const page = html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'">
        <title>lamina bench, ${report.date}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
    <h1>lamina bench</h1>
    <p class="faint">Which strategy composes root filesystems fastest, on this host, with these images.</p>
    ${facts(report)}
    ${report.notes.map((note) => html`<p>${note}.</p>\n`)}
    ${against === undefined ? "" : comparison(against)}
    ${report.images.map((image) => imageSection(image, report))}
    ${absent.length === 0 ? "" : html`<h2>Not measured</h2>${absencesTable(absent)}`}
      </body>
    </html>
  `;
  return page.toString();
}

function facts({ date, command, machine, store, startup, places }: Report): Html {
  const { cpu, processors, memory, load, kernel, lamina, deno } = machine;
  const rows: [string, Value][] = [
    ["date", date.replace(/\.\d+Z$/, "Z").replace("T", " ")],
    ["command", html`<code>${command.map(quoted).join(" ")}</code>`],
    ["machine", `${cpu}, ${plural(processors, "processor")}, ${size(memory)}; load ${load}`],
    ["kernel", `Linux ${kernel}`],
    ["versions", `lamina ${lamina}, Deno ${deno}`],
    ["store", html`<code>${store}</code>`],
    ...places.map(({ path, filesystem, options, withStore }): [string, Value] => [
      filesystem,
      html`<code>${path}</code>${
        withStore ? "" : ", not the store's mount"
      } <span class="faint">${options}</span>`,
    ]),
    [
      "program start",
      startup === undefined ? "–" : html`
        ${duration(startup.median)} <span
          class="faint">(${duration(startup.p10)} – ${duration(startup.p90)}, ${startup
            .n} starts), beside all that follows</span>
      `,
    ],
  ];
  return html`<dl>${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>\n`)}</dl>`;
}

/** A word as a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function comparison({ path, changes }: Against): Html {
  const heading = html`<h2>Against <code>${path}</code></h2>`;
  if (changes.length === 0) return html`${heading}<p>Nothing of this was measured there.</p>`;
  const several = (key: (change: Change) => string) => new Set(changes.map(key)).size > 1;
  const [images, places] = [several(({ image }) => image), several(({ place }) => place)];
  const labelled = changes.map((change) => ({
    ...change,
    label: [
      ...images ? [change.image] : [],
      ...places ? [change.place] : [],
      change.strategy,
      change.state,
    ].join(" · "),
  }));
  return html`${heading}<figure>${
    changesPlot(labelled)
  }<figcaption>Times now as multiples of those before; bars are 95 % confidence intervals. What does not touch ×1 changed beyond noise.</figcaption></figure>${
    changesTable(changes)
  }`;
}

function imageSection(image: MeasuredImage, report: Report): Html {
  const results = report.results.filter((one) =>
    one.image === image.name && one.reason === undefined
  );
  const { name, digest, layers, files, directories, bytes, generated } = image;
  return html`
    <h2>${name}</h2>
    <p
      class="faint">${plural(layers, "layer")}, ${count(files)} files in ${plural(
        directories,
        "directory",
        "directories",
      )}, ${size(bytes)}${generated ? ", generated" : ""}<br><code>${digest}</code></p>
    ${(["mount", "directory"] as const).map((makes) => {
      const own = results.filter((one) => one.makes === makes);
      return own.length === 0 ? "" : phases(own, report.places, makes);
    })}
    ${report.places.map((place) => {
      const here = results.filter((one) => one.place === place.path);
      return here.length === 0 ? "" : placeSection(image, place, here, report);
    })}
  `;
}

/** One plot for each place, all on one scale. */
function phases(
  results: readonly Result[],
  places: readonly MeasuredPlace[],
  makes: Result["makes"],
): Html {
  const end = longest(results);
  return html`
    <h3>${makes === "mount" ? "Mounts" : "Directories"}</h3>${keys(PHASE_KEYS)}
    ${places.map((place) => {
      const here = results.filter((one) => one.place === place.path);
      return here.length === 0 ? "" : html`
        <h4>${title(place)}</h4>
        <figure>${phasesPlot(here, end)}</figure>
      `;
    })}
    <p
      class="faint">Medians of first compositions, by code that was just loaded, part by part; below each, its release. Dots are medians of the whole, lines reach from the 10th to the 90th percentile.</p>
  `;
}

function placeSection(
  image: MeasuredImage,
  place: MeasuredPlace,
  results: readonly Result[],
  { judgements }: Report,
): Html {
  const states = STATE_KEYS.filter(([state]) =>
    results.some(({ total }) => total[state] !== undefined)
  );
  const counts = new Set(results.flatMap(({ atOnce }) => atOnce.map(({ count }) => count)));
  const crowded = results.filter(({ atOnce }) => atOnce.length > 0);
  const strategies = strategyKeys(crowded.map(({ strategy }) => strategy));
  return html`<h3>All compositions, ${title(place)}</h3>${keys(states)}
<figure>${
    samplesPlot(results)
  }<figcaption>Each line is one composition, dots are medians; the scale is logarithmic. “first” is the first of a process, “again” the second, “cold” with a page cache that was just dropped.</figcaption></figure>
${
    counts.size < 2 ? "" : html`<h3>Many at once, ${title(place)}</h3>${keys(strategies)}
<figure>${
      crowdsPlot(crowded, strategies)
    }<figcaption>From the start of the first to the end of the last, divided by how many they are.</figcaption></figure>`
  }
<h3>Figures, ${title(place)}</h3>
${
    judgements.filter((one) => one.image === image.name && one.place === place.path).map((one) =>
      html`<p>${judgement(one)}</p>\n`
    )
  }
${timesTable(results)}${partsTable(results)}
<details><summary>Every composition</summary>${samplesTable(results)}${
    crowded.length === 0 ? "" : crowdsTable(crowded)
  }</details>`;
}

function title({ path, filesystem }: MeasuredPlace): Html {
  return html`${filesystem} <code>${path}</code>`;
}

/** What the colours mean. */
function keys(all: readonly Key[]): Html {
  return html`<ul class="keys">${
    all.map(([name, colour]) => html`<li><i style="background:${colour}"></i>${name}</li>`)
  }</ul>`;
}
