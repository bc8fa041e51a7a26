/**
 * Text that does nothing to the terminal. Apart from what measures text, which takes a millisecond to load.
 *
 * @module
 */

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
