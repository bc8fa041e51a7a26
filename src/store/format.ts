/**
 * `lamina.json`: which format a store has, and what a program must know to read it or to write to it.
 *
 * @module
 */

import { LaminaError } from "../error.ts";
import { readIfThere, replaceFile } from "./atomic.ts";

/** The format that this program writes. */
const FORMAT = 1;

/**
 * Features of a store by what they ask of a program that does not know them, as ext4 and composefs-rs sort theirs: `compat`
 * nothing, `ro-compat` not to write, `incompat` to keep away.
 */
export interface StoreFormat {
  readonly format: number;
  readonly compat: readonly string[];
  readonly "ro-compat": readonly string[];
  readonly incompat: readonly string[];
}

/**
 * The incompat feature of a store that a user without root's rights made: true owners and modes are in the layers' indexes and in
 * `user.containers.override_stat`, overlay's marks are `user.overlay.*`.
 */
export const ROOTLESS = "rootless";

/**
 * The ro-compat feature of a store in which every layer has a link to each object that it uses, so that objects may be removed by their
 * link counts. A program that ingests layers without such links must not write to it.
 */
export const COUNTED = "counted-objects";

const KNOWN: Readonly<Record<"ro-compat" | "incompat", readonly string[]>> = {
  "ro-compat": [COUNTED],
  incompat: [ROOTLESS],
};

/** Reads a store's format, or undefined where there is no store; refuses what this program does not know. */
export function readFormat(file: string): StoreFormat | undefined {
  const bytes = readIfThere(file);
  if (bytes === undefined) return undefined;
  let value: Partial<StoreFormat>;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new LaminaError("invalid", `reading the store's format: ${file} is not JSON`, {
      cause,
      hint: "Is this a lamina store?",
    });
  }
  const list = (name: "compat" | "ro-compat" | "incompat"): readonly string[] => value[name] ?? [];
  const unknown = [
    ...list("incompat").filter((name) => !KNOWN.incompat.includes(name)),
    ...list("ro-compat").filter((name) => !KNOWN["ro-compat"].includes(name)),
  ];
  if (value.format !== FORMAT || unknown.length > 0) {
    const what = value.format === FORMAT
      ? `features ${unknown.join(", ")}`
      : `format ${value.format}`;
    throw new LaminaError(
      "unsupported",
      `opening the store: ${file} says ${what}, which this lamina does not know`,
      {
        hint:
          "Use the lamina that made the store, or a newer one; or name another store with --root.",
      },
    );
  }
  return {
    format: FORMAT,
    compat: list("compat"),
    "ro-compat": list("ro-compat"),
    incompat: list("incompat"),
  };
}

/** Writes a new store's format. */
export function writeFormat(
  file: string,
  incompat: readonly string[],
  scratch: string,
): StoreFormat {
  return replaceFormat(
    file,
    { format: FORMAT, compat: [], "ro-compat": [COUNTED], incompat },
    scratch,
  );
}

/** Writes the format of a store that has one. Hold the store alone. */
export function replaceFormat(file: string, format: StoreFormat, scratch: string): StoreFormat {
  replaceFile(file, JSON.stringify(format, null, 2) + "\n", scratch);
  return format;
}
