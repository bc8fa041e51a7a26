/**
 * Bars in a table's cells.
 *
 * @module
 */

import type { Screen } from "./screen.ts";

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar for a share, 0 to 1, of a width in columns; by eighths of a column where the screen can, and never nothing. */
export function bar(share: number, columns: number, screen: Screen): string {
  const within = Math.min(Math.max(share, 0), 1);
  if (!screen.unicode) return "#".repeat(Math.max(1, Math.round(within * columns)));
  const eighths = Math.max(1, Math.round(within * columns * 8));
  return "█".repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}
