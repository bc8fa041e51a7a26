/**
 * Tables in Markdown.
 *
 * @module
 */

/**
 * The lines of a table.
 *
 * @param texts How many columns, from the first on, are words: the others are numbers, to the right.
 */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  texts = 1,
): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rules = heads.map((_, column) => column < texts ? "---" : "---:");
  return [heads, rules, ...rows].map(line);
}
