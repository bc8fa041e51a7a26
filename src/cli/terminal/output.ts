/**
 * Where a command's answer goes: one JSON document, ids for scripts, or text for a person.
 *
 * @module
 */

import { LaminaError } from "../../error.ts";
import type { Globals } from "../globals.ts";
import { type Screen, type StreamName } from "./screen.ts";

/** What a command has to say at its end. */
export interface Answer {
  /** What `--json` prints. */
  readonly document: unknown;
  /** What a person reads; empty for nothing. Ends with a line break. */
  readonly text: (screen: Screen) => string;
  /** What `--quiet` prints: ids or names, one a line. Undefined: nothing. */
  readonly brief?: readonly string[];
  /** What failed beside what was done; on stderr. Part of the document too. */
  readonly errors?: readonly unknown[];
  /** Exit code, when the answer is not simply "done". */
  readonly code?: number;
}

/** Prints an answer on stdout in the form that was asked for. */
export function printAnswer(answer: Answer, globals: Globals, screen: Screen): void {
  if (globals.json) printJson(answer.document);
  else if (globals.quiet) writeText("stdout", (answer.brief ?? []).map((id) => `${id}\n`).join(""));
  else writeText("stdout", answer.text(screen));
}

/** Prints the one JSON document. */
export function printJson(document: unknown): void {
  writeText("stdout", JSON.stringify(document, null, 2) + "\n");
}

const encoder = new TextEncoder();

/**
 * Writes all of a text. A reader that went away (`lamina images | head -1`) is no error; and if stderr cannot be written to, there is
 * nobody to say it to.
 *
 * @throws {LaminaError} stdout cannot be written to.
 */
export function writeText(name: StreamName, text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let done = 0; done < bytes.length;) {
      done += Deno[name].writeSync(bytes.subarray(done));
    }
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe || name === "stderr") return;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LaminaError("failed", `writing the answer to stdout: ${reason}`, { cause: error });
  }
}
