/**
 * Words of the command line → an entry of the table.
 *
 * @module
 */

import { suggest, usageError } from "./parse.ts";
import { entries, type Entry } from "./table.ts";

/** A command that was found. */
export interface Found {
  readonly entry: Entry;
  /** `lamina composefs build`. */
  readonly title: string;
  /** What follows the command's name. */
  readonly rest: readonly string[];
}

/**
 * Finds the command that the words begin with. A group is the answer where the word after it is missing or a flag.
 *
 * @throws {LaminaError} `usage` for a word that is no command, with the nearest one.
 */
export function resolveCommand(words: readonly string[]): Found {
  let [name, ...rest] = words;
  let entry = find(name, entries(), "lamina");
  let title = `lamina ${name}`;
  while (entry.group !== undefined && rest.length > 0 && !rest[0].startsWith("-")) {
    [name, ...rest] = rest;
    entry = find(name, entry.group, title);
    title += ` ${name}`;
  }
  return { entry, title, rest };
}

function find(name: string, among: readonly Entry[], title: string): Entry {
  const found = among.find((entry) => entry.name === name);
  if (found !== undefined) return found;
  const near = suggest(name, among.map((entry) => entry.name));
  throw usageError(
    title,
    `there is no command \`${name}\``,
    near && `did you mean \`${title} ${near}\`?`,
  );
}
