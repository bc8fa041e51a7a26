/**
 * Values of flags that have a syntax of their own.
 *
 * @module
 */

import { type Kind, KINDS, LAYERS, type Recipe } from "../strategy/bench/recipe.ts";
import type { IdMap } from "../strategy/idmap.ts";
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

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86400, w: 604800 };

/** `90s`, `24h`, `7d`, `1h30m`: milliseconds, in the units of Go's durations, with days and weeks. */
export function parseSpan(text: string, flag: string, command: string): number {
  const parts = /^(?:\d{1,9}[smhdw])+$/.test(text) ? text.match(/\d+[smhdw]/g)! : [];
  const seconds = parts.reduce((sum, part) => sum + parseInt(part) * SECONDS[part.at(-1)!], 0);
  if (seconds === 0) {
    throw usageError(
      command,
      `${flag}: \`${text}\` is not a time`,
      "write a number with s, m, h, d or w, such as 24h or 1h30m",
    );
  }
  return seconds * 1000;
}

/** The end of a lease that lasts so long from now on: a time as {@link parseSpan} reads it, or `forever`, which is null. */
export function parseExpiry(text: string, now: Date, command: string): Date | null {
  if (text === "forever") return null;
  const expires = new Date(now.getTime() + parseSpan(text, "--for", command));
  // Beyond what a date can be, 273 thousand years from now.
  return Number.isNaN(expires.getTime()) ? null : expires;
}

/** `--idmap INSIDE:OUTSIDE:COUNT[,…]`, as podman has it, or the path of a user namespace, as mount.composefs has it. */
export function parseIdMap(text: string, command: string): IdMap {
  if (text.includes("/")) return text;
  return text.split(",").map((part) => {
    const numbers = /^(\d{1,10}):(\d{1,10}):(\d{1,10})$/.exec(part)?.slice(1).map(Number);
    const [inside, outside, count] = numbers ?? [NaN, NaN, NaN];
    if (count > 0 && Math.max(inside, outside) + count <= MOST_IDS) {
      return { inside, outside, count };
    }
    throw usageError(
      command,
      `--idmap: \`${part}\` is not a range of ids`,
      "write INSIDE:OUTSIDE:COUNT, such as 0:100000:65536, or the path of a user namespace",
    );
  });
}

/** 4294967295 is no id: it means "do not change". */
const MOST_IDS = 2 ** 32 - 1;

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

/** `1,8,32`: whole numbers from 1 on, at most `most` of them. */
export function parseCounts(text: string, flag: string, command: string, most = 16): number[] {
  const words = text.split(",");
  if (words.length > most || words.some((word) => !/^[1-9]\d{0,3}$/.test(word))) {
    const hint = most === 1
      ? "write a whole number from 1 on"
      : "write whole numbers, such as 1,8,32";
    throw usageError(command, `${flag}: \`${text}\` will not do`, hint);
  }
  return words.map(Number);
}

/** `--generate FILES[,SHAPE][,layers=N]`: up to a million files, up to a thousand layers. */
export function parseRecipe(text: string, command: string): Recipe {
  const [, digits, kind = "mixed", more] = RECIPE.exec(text) ?? [];
  const [files, layers] = [Number(digits), more === undefined ? LAYERS : Number(more)];
  if (!(KINDS as readonly string[]).includes(kind) || !(files >= 1 && files <= 1_000_000)) {
    throw usageError(
      command,
      `--generate: \`${text}\` will not do`,
      `write a number of files and what they are like, such as 5000,small or 5000,deep,layers=400; there are ${
        KINDS.join(", ")
      }`,
    );
  }
  if (!(layers >= 1 && layers <= Math.min(files, 1000))) {
    throw usageError(
      command,
      `--generate: \`${text}\`: ${layers} layers will not do`,
      "write 1 to 1000 layers, and not more than files",
    );
  }
  return { kind: kind as Kind, files, layers };
}

const RECIPE = /^(\d{1,7})(?:,([a-z]+))?(?:,layers=(\d{1,4}))?$/;
