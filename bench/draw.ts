/**
 * `deno task bench --draw FILE…`: the tables and plots of the results page again, out of what runs wrote as JSON.
 *
 * @module
 */

import { DIRECTORIES } from "./directories.ts";
import { barsFigure } from "./figures/bars.ts";
import { directoriesFigure } from "./figures/directories.ts";
import { scaleFigure } from "./figures/scale.ts";
import { storageFigure } from "./figures/storage.ts";
import { matrixText } from "./matrix.ts";
import { addFound, type Found, readRun } from "./results.ts";
import { scaleTable } from "./scale.ts";
import { markdown } from "./section.ts";
import { storageTable } from "./storage.ts";

/** Prints the tables, and writes the plots beside this file. */
export function draw(files: readonly string[]): void {
  const runs = files.map((file) => {
    const run = readRun(file);
    if (run === undefined) throw new Error(`${file}: there is no such file`);
    return run;
  });
  const all = runs.slice(1).reduce(addFound, runs[0]);
  const { kernel, cpu, processors } = all.machine;
  console.log(`${all.date}, Linux ${kernel}, ${processors} × ${cpu}\n${all.versions.join(", ")}\n`);
  for (const section of all.sections) console.log(markdown(section));
  for (const costs of all.storage) console.log(storageTable(costs));
  if (all.scale.length > 0) console.log(scaleTable(all.scale));
  for (const part of all.matrix) console.log(matrixText(part));
  for (const [name, svg] of figures(all)) {
    Deno.writeTextFileSync(new URL(`plots/${name}`, import.meta.url), svg);
    console.log(`drawn: bench/plots/${name}`);
  }
}

/** Draws what a run has the figures for: names of files, and what belongs into them. */
function* figures({ sections, scale, storage }: Found): Generator<readonly [string, string]> {
  const directories = sections.filter(({ topic }) => DIRECTORIES.some((one) => one === topic));
  if (directories.length > 0) yield ["directories.svg", directoriesFigure(directories)];
  for (const topic of ["mounts", "pull"]) {
    const section = sections.find((one) => one.topic === topic);
    if (section !== undefined) yield [`${topic}.svg`, barsFigure(section)];
  }
  if (scale.length > 0) yield ["scale.svg", scaleFigure(scale)];
  if (storage.length > 0) yield ["storage.svg", storageFigure(storage)];
}
