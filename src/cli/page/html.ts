/**
 * HTML as a template tag: what is put into it is escaped, unless it is HTML itself.
 *
 * @module
 */

import { printable } from "../terminal/printable.ts";

/** A piece of HTML. */
export class Html {
  readonly #text: string;

  /** @param text Taken as it is: see {@link html} for what is not. */
  constructor(text: string) {
    this.#text = text;
  }

  /** The markup. */
  toString(): string {
    return this.#text;
  }
}

/** What can be put into a piece of HTML. */
export type Value = Html | string | number | readonly Value[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** See the module. Lists are put in one after the other; control characters in texts become visible. */
export function html(parts: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(parts.reduce((before, part, n) => before + markup(values[n - 1]) + part));
}

function markup(value: Value): string {
  if (value instanceof Html) return value.toString();
  if (typeof value === "object") return value.map(markup).join("");
  return printable(String(value)).replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
