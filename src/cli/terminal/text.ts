/**
 * Text in terminal columns.
 *
 * @module
 */

import measure from "fast-string-truncated-width";

/** The columns that a text takes, without its colours. */
export function width(text: string): number {
  return measure(text).width;
}

/** Cuts a text without colours so that it takes at most `columns`, with an ellipsis in place of what is gone. */
export function cut(text: string, columns: number, ellipsis = "…"): string {
  if (width(text) <= columns) return text;
  const room = columns - width(ellipsis);
  let kept = "";
  const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of graphemes.segment(text)) {
    if (width(kept + segment) > room) break;
    kept += segment;
  }
  return room < 0 ? "" : kept + ellipsis;
}

/**
 * Makes control characters visible (`\x1b`, `\n`), so that a name out of an image cannot move the cursor, colour the
 * screen or fake a line.
 */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex -- \p{Cc} says the same, and takes ten times as long to be compiled.
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\t") return "\\t";
    const code = character.charCodeAt(0);
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, "0")}`
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** Breaks a text into lines of at most `columns`, at spaces; its own line breaks stay. */
export function wrap(text: string, columns: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && width(line) + 1 + width(word) > columns) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}
