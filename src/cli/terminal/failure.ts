/**
 * Errors as a person sees them, as `--json` has them, and as exit codes.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../error.ts";
import { systemHint } from "../../system_hints.ts";
import type { Globals } from "../globals.ts";
import { printJson, writeText } from "./output.ts";
import type { Screen } from "./screen.ts";
import { printable } from "./printable.ts";

const EXIT_CODES: Readonly<Record<ErrorKind, number>> = {
  failed: 1,
  invalid: 1,
  busy: 1,
  exists: 1,
  usage: 2,
  "not-found": 3,
  unsupported: 4,
};

/** The exit code that stands for an error: see {@link ErrorKind}; anything unforeseen is 1. */
export function exitCode(thrown: unknown): number {
  const { error } = causes(thrown);
  return error instanceof LaminaError ? EXIT_CODES[error.kind] : 1;
}

/** An error as data. */
export interface Failure {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly hint?: string;
}

/** The error as one JSON document: `{"error": {"kind", "message", "hint"?}}`. */
export function failureDocument(thrown: unknown): { readonly error: Failure } {
  const { error } = causes(thrown);
  const hint = hintOf(error);
  return {
    error: {
      kind: error instanceof LaminaError ? error.kind : "failed",
      message: messageOf(thrown),
      ...(hint === undefined ? {} : { hint }),
    },
  };
}

/** The error as text: one line, a hint, and with `verbose` where it comes from. */
export function failureText(thrown: unknown, screen: Screen, verbose: boolean): string {
  const { error } = causes(thrown);
  let text = `${screen.paint("red", "lamina:")} ${printable(messageOf(thrown))}\n`;
  const hint = hintOf(error);
  if (hint !== undefined) text += `${screen.paint("cyan", "hint:")} ${printable(hint)}\n`;
  if (verbose) {
    for (let e = error; e instanceof Error; e = e.cause) {
      const origin = (e.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
      text += screen.paint("dim", [`${e.name}: ${printable(e.message)}`, ...origin].join("\n"));
      text += "\n";
    }
  }
  return text;
}

function hintOf(error: unknown): string | undefined {
  return error instanceof LaminaError ? error.hint : systemHint(error);
}

/** Prints an error where it belongs: on stdout as JSON, else, or where that cannot be written to, on stderr. */
export function printFailure(
  error: unknown,
  globals: Pick<Globals, "json" | "verbose">,
  screen: Screen,
): void {
  if (globals.json) {
    try {
      return printJson(failureDocument(error));
    } catch {
      // The error may be just that.
    }
  }
  writeText("stderr", failureText(error, screen, globals.verbose));
}

function messageOf(thrown: unknown): string {
  const { error, later } = causes(thrown);
  const say = (e: unknown) => e instanceof Error ? e.message || e.name : String(e);
  return [say(error), ...later.map((e) => `then, clearing up: ${say(e)}`)].join("; ");
}

/** What went wrong first, and what did while that was being cleared up: the runtime wraps the first in the second. */
function causes(thrown: unknown): { readonly error: unknown; readonly later: readonly unknown[] } {
  if (!(thrown instanceof SuppressedError)) return { error: thrown, later: [] };
  const first = causes(thrown.suppressed);
  return { error: first.error, later: [...first.later, ...flatten(thrown.error)] };
}

function flatten(thrown: unknown): unknown[] {
  const { error, later } = causes(thrown);
  return [error, ...later];
}
