/**
 * Tables with a header line, fitted into the terminal's width.
 *
 * @module
 */

import type { Screen, Style } from "./screen.ts";
import { printable } from "./printable.ts";
import { cut, width } from "./text.ts";

/** One column. */
export interface Column {
  readonly title: string;
  /** Numbers stand at the right. */
  readonly right?: boolean;
  /** Whether the column may be cut where the screen is too narrow; the widest one is cut first. */
  readonly shrinks?: boolean;
  /** The style of a cell (not of the title). */
  readonly style?: (row: readonly string[]) => Style | undefined;
}

const GAP = "  ";
/** No column gets narrower than this by cutting. */
const NARROWEST = 8;

/** Lays out rows under their titles; ends with a line break. Cells are printed with their control characters visible. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  screen: Screen,
): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = columns.map((column, i) =>
    Math.max(width(column.title), ...cells.map((row) => width(row[i])))
  );
  shrink(columns, widths, screen.columns);
  const ellipsis = screen.unicode ? "…" : "...";
  const line = (texts: readonly string[], style: (column: number) => Style | undefined) =>
    texts.map((text, i) => {
      const shown = cut(text, widths[i], ellipsis);
      const padding = " ".repeat(Math.max(0, widths[i] - width(shown)));
      const styled = style(i);
      const painted = styled === undefined ? shown : screen.paint(styled, shown);
      return columns[i].right ? padding + painted : painted + padding;
    }).join(GAP).trimEnd();
  return [
    line(columns.map((column) => column.title), () => "bold"),
    ...cells.map((row, r) => line(row, (i) => columns[i].style?.(rows[r]))),
  ].join("\n") + "\n";
}

function shrink(columns: readonly Column[], widths: number[], limit: number): void {
  let excess = widths.reduce((sum, w) => sum + w, GAP.length * (widths.length - 1)) - limit;
  while (excess > 0) {
    let widest = -1;
    for (let i = 0; i < widths.length; i++) {
      if (
        columns[i].shrinks && widths[i] > NARROWEST &&
        (widest < 0 || widths[i] > widths[widest])
      ) widest = i;
    }
    if (widest < 0) return;
    widths[widest]--;
    excess--;
  }
}

/** `name: value` lines with the values below each other. */
export function facts(rows: readonly (readonly [string, string])[], screen: Screen): string {
  const widest = Math.max(...rows.map(([name]) => width(name)));
  return rows.map(([name, value]) =>
    `${screen.paint("bold", name)}${" ".repeat(widest - width(name))}  ${printable(value)}\n`
  ).join("");
}
