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
