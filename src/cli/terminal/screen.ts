/**
 * What an output stream can show: its width, colours, characters beyond ASCII.
 *
 * @module
 */

/** The stream that a screen is of. */
export type StreamName = "stdout" | "stderr";

/** The parameters of SGR (ECMA-48) that begin and end each style. */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

/** The styles in use; each is the identity where there are no colours. */
export type Style = keyof typeof STYLES;

/** An output stream, as far as layout depends on it. */
export interface Screen {
  /** Whether a person may be watching. */
  readonly terminal: boolean;
  /** Columns; Infinity where it is not a terminal, so that nothing is cut for a file or a pipe. */
  readonly columns: number;
  /** Rows; 0 where it is not a terminal. */
  readonly rows: number;
  /** Whether the locale's encoding is UTF-8. */
  readonly unicode: boolean;
  /** Styles a text, or leaves it as it is: colours only on a terminal, and not with NO_COLOR or TERM=dumb. */
  paint(style: Style, text: string): string;
}

/** Looks at a stream as it is now. */
export function screenOf(name: StreamName): Screen {
  const terminal = Deno[name].isTerminal();
  const size = terminal ? consoleSize() : { columns: Infinity, rows: 0 };
  return makeScreen({
    terminal,
    ...size,
    unicode: isUtf8(),
    color: terminal && !Deno.noColor && Deno.env.get("TERM") !== "dumb",
  });
}

/** A screen with given properties. */
export function makeScreen(
  options: Omit<Screen, "paint"> & { readonly color: boolean },
): Screen {
  const { color, ...rest } = options;
  const paint = (style: Style, text: string) => {
    const [begin, end] = STYLES[style];
    return color ? `\x1b[${begin}m${text}\x1b[${end}m` : text;
  };
  return { ...rest, paint };
}

function consoleSize(): { columns: number; rows: number } {
  try {
    const { columns, rows } = Deno.consoleSize();
    // A serial console says 0 × 0.
    return columns > 0 ? { columns, rows } : { columns: 80, rows: 24 };
  } catch {
    return { columns: 80, rows: 24 };
  }
}

function isUtf8(): boolean {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LC_CTYPE") || Deno.env.get("LANG") || "";
  return /utf-?8/i.test(locale);
}
