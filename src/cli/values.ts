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

/** `--shared-by N`, which only the hybrid layout has a use for. */
export function parseSharedBy(text: string | undefined, layout: string): number | undefined {
  if (text === undefined) return undefined;
  const command = "lamina compose";
  if (layout !== "hybrid") {
    throw usageError(command, "--shared-by is for --layout hybrid", "leave it away");
  }
  if (!/^[1-9]\d{0,8}$/.test(text) || text === "1") {
    throw usageError(
      command,
      `--shared-by: \`${text}\` is not a number of images`,
      "write 2 or more",
    );
  }
  return Number(text);
}
