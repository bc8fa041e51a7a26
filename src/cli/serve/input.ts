/**
 * A JSON object → the values of a command's spec: a field is called as the flag or argument is, in the case of JSON (`shared-by` is
 * `sharedBy`). What a value may be is the command line's to say.
 *
 * @module
 */

import type { Globals } from "../globals.ts";
import { parseCommand, suggest, usageError } from "../parse.ts";
import type { ArgumentSpec, CommandSpec, FlagSpec, RawInput } from "../spec.ts";

/**
 * Reads the values of a command out of an object. A field that is null is as one that is not there.
 *
 * @param title The command's full name, for messages.
 * @param without Flags that are not for this.
 * @throws {LaminaError} `usage`.
 */
export function inputOf(
  spec: CommandSpec,
  fields: Readonly<Record<string, unknown>>,
  globals: Globals,
  title: string,
  without: readonly string[] = [],
): RawInput {
  const flags = new Map(
    spec.flags.filter(({ name }) => !without.includes(name)).map((flag) => [camel(flag), flag]),
  );
  const names = new Map(spec.arguments.map((argument) => [camel(argument), argument]));
  const known = [...names.keys(), ...flags.keys()];
  const line: string[] = [];
  const given = new Map<string, readonly string[]>();
  for (const [field, value] of Object.entries(fields)) {
    if (!known.includes(field)) throw unknownField(field, known, title);
    if (value === null) continue;
    const flag = flags.get(field);
    if (flag === undefined) given.set(field, texts(names.get(field)!, field, value, title));
    else line.push(...words(flag, field, value, title));
  }
  line.push("--", ...[...names.keys()].flatMap((name) => given.get(name) ?? []));
  const missing = spec.arguments.find((one) => !one.optional && !given.has(camel(one)));
  if (missing !== undefined) {
    throw usageError(title, `\`${camel(missing)}\` is missing: ${missing.summary}`);
  }
  return parseCommand(spec, line, globals, title).input;
}

function camel({ name }: FlagSpec | ArgumentSpec): string {
  return name.toLowerCase().replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function words(flag: FlagSpec, field: string, value: unknown, title: string): readonly string[] {
  const word = `--${flag.name}`;
  if (flag.value !== undefined) {
    return texts(flag, field, value, title).map((text) => `${word}=${text}`);
  }
  if (typeof value !== "boolean") throw wrong(field, "true or false", title);
  return value ? [word] : [];
}

function texts(
  spec: FlagSpec | ArgumentSpec,
  field: string,
  value: unknown,
  title: string,
): readonly string[] {
  const values: readonly unknown[] = spec.repeat && Array.isArray(value) ? value : [value];
  return values.map((one) => {
    if (typeof one === "number") return String(one);
    if (typeof one === "string" && one !== "") {
      // What a command line cannot hold: a path would be another one on disk than on record.
      if (!one.includes("\0") && one.isWellFormed()) return one;
      throw wrong(field, "Unicode without NUL", title);
    }
    throw wrong(field, spec.repeat ? "texts in [ ]" : "a text", title);
  });
}

function wrong(field: string, what: string, title: string) {
  return usageError(title, `\`${field}\` is to be ${what}`);
}

function unknownField(field: string, known: readonly string[], title: string) {
  const near = suggest(field, known);
  return usageError(
    title,
    `unknown field \`${field}\``,
    near === undefined ? `fields are ${known.join(", ")}` : `did you mean \`${near}\`?`,
  );
}
