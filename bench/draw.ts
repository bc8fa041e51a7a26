/**
 * `deno task bench --draw FILE…`: the tables and plots of the results page again, out of what runs wrote as JSON.
 *
 * @module
 */

import { figures } from "./figures.ts";
import { addSection, markdown, readRun, type Run } from "./report.ts";
import { matrixText } from "./matrix.ts";
import { addScale, scaleTable } from "./scale.ts";
import { storageTable } from "./storage.ts";

/** Prints the tables, and writes the plots beside this file. */
export function draw(files: readonly string[]): void {
  const runs = files.map((file) => {
    const run = readRun(file);
    if (run === undefined) throw new Error(`${file}: there is no such file`);
    return run;
  });
  if (runs.length === 0) throw new Error("--draw takes what --json FILE wrote");
  const all: Run = {
    ...runs[0],
    sections: runs.flatMap(({ sections }) => sections).reduce(addSection, []),
    storage: runs.flatMap(({ storage }) => storage),
    scale: runs.map(({ scale }) => scale).reduce(addScale, []),
    matrix: runs.flatMap(({ matrix }) => matrix),
  };
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
