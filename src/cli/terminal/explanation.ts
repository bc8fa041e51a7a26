/**
 * The table of strategies: works or why not, estimate, chosen.
 *
 * @module
 */

import type { Row } from "../../strategy/choice.ts";
import type { Screen } from "./screen.ts";
import { table } from "./table.ts";
import { duration } from "./units.ts";

/** What real compositions made of an estimate: `×1.25`; empty where there were none. */
export function learned(correction: number): string {
  return correction === 1 ? "" : `×${Number(correction.toPrecision(3))}`;
}

/** One row for each strategy that came into question. */
export function explanation(rows: readonly Row[], screen: Screen): string {
  return table(
    [
      { title: "", style: () => "green" },
      { title: "STRATEGY", style: (row) => row[0] === "" ? undefined : "bold" },
      { title: "MAKES" },
      { title: "WORKS", style: (row) => row[3] === "yes" ? "green" : "yellow" },
      { title: "ESTIMATE", right: true },
      { title: "LEARNED", right: true },
      { title: "WHY", shrinks: true },
    ],
    rows.map((row) => [
      row.chosen ? screen.unicode ? "→" : ">" : "",
      row.name,
      row.result,
      row.works ? "yes" : "no",
      row.estimateMs === undefined ? "-" : duration(row.estimateMs),
      learned(row.correction),
      row.hint === undefined ? row.reason : `${row.reason} (${row.hint})`,
    ]),
    screen,
  );
}
