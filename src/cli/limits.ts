/**
 * `--limit NAME=VALUE` and `$LAMINA_LIMITS`: bounds of what is read of images, for all commands that pull.
 *
 * @module
 */

import { countsBytes, LIMIT_NAMES, limitFlag, LIMITS, type Limits } from "../limits.ts";
import { suggest, usageError } from "./parse.ts";
import type { FlagSpec } from "./spec.ts";
import { parseSize } from "./values.ts";

/** Words as {@link LIMIT_FLAG} has them, separated by commas. */
const VARIABLE = "LAMINA_LIMITS";

/** The flag. */
export const LIMIT_FLAG = {
  name: "limit",
  value: "NAME=VALUE",
  repeat: true,
  summary: "bound what an image may claim, such as file-bytes=2T",
} as const satisfies FlagSpec;

/**
 * The limits that the environment and the flags set.
 *
 * @param words What {@link LIMIT_FLAG} was given; a later word goes before an earlier one.
 * @throws {LaminaError} `usage` for a name that is no limit, a value that is no number, and one beyond what can be stored.
 */
export function parseLimits(words: readonly string[], command: string): Partial<Limits> {
  const fromOutside = (Deno.env.get(VARIABLE) ?? "").split(",").map((word) => word.trim())
    .filter((word) => word !== "");
  return Object.fromEntries([
    ...fromOutside.map((word) => parseLimit(word, `$${VARIABLE}`, command)),
    ...words.map((word) => parseLimit(word, "--limit", command)),
  ]);
}

function parseLimit(word: string, from: string, command: string): [keyof Limits, number] {
  const equals = word.indexOf("=");
  const flag = equals < 0 ? word : word.slice(0, equals);
  const name = LIMIT_NAMES.find((name) => limitFlag(name) === flag);
  if (name === undefined) {
    const flags = LIMIT_NAMES.map(limitFlag);
    const near = suggest(flag, flags);
    throw usageError(
      command,
      `${from}: there is no limit \`${flag}\``,
      near === undefined ? `limits are ${flags.join(", ")}` : `did you mean \`${near}\`?`,
    );
  }
  const text = equals < 0 ? "" : word.slice(equals + 1);
  const value = parseValue(name, text, `${from} ${flag}`, command);
  const { most } = LIMITS[name];
  if (most !== undefined && value > most) {
    throw usageError(command, `${from}: ${flag} can be ${most} at most`, "more cannot be stored");
  }
  return [name, value];
}

function parseValue(name: keyof Limits, text: string, flag: string, command: string): number {
  if (countsBytes(name)) return parseSize(text, flag, command);
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw usageError(command, `${flag}: \`${text}\` is not a number`, "write a whole number");
}
