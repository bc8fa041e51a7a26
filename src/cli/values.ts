/**
 * Values of flags that have a syntax of their own.
 *
 * @module
 */

import type { Upper } from "../strategy/plugin.ts";
import { usageError } from "./parse.ts";

const SUFFIXES: Readonly<Record<string, number>> = {
  "": 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** `512m`, `2G`, `1048576`: bytes, with suffixes of 1024 as tmpfs(5) has them. */
export function parseSize(text: string, flag: string, command: string): number {
  const [, digits, suffix] = /^([1-9]\d{0,14})([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * (SUFFIXES[suffix?.toLowerCase()] ?? NaN);
  if (!Number.isSafeInteger(bytes)) {
    throw usageError(
      command,
      `${flag}: \`${text}\` is not a size`,
      "write bytes, or a number with k, m, g or t",
    );
  }
  return bytes;
}

/** `--upper DIR|tmpfs[:SIZE]`. */
export function parseUpper(text: string, command: string): Upper {
  if (text === "tmpfs") return { kind: "tmpfs", size: undefined };
  if (text.startsWith("tmpfs:")) {
    return { kind: "tmpfs", size: parseSize(text.slice("tmpfs:".length), "--upper", command) };
  }
  return { kind: "directory", path: text };
}
