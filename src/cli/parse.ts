/**
 * Command line → the values of a command's spec. @std/cli/parse-args takes the line apart; what is here makes it strict:
 * an unknown flag, a missing value or argument, a value that is not among the choices are usage errors.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { levenshteinDistance } from "@std/text/levenshtein-distance";
import { LaminaError } from "../error.ts";
import { GLOBAL_FLAGS, type Globals } from "./globals.ts";
import type { ArgumentSpec, CommandSpec, FlagSpec, RawInput } from "./spec.ts";

/** The global flags before the command, and all that follows them. */
export interface Head {
  readonly globals: Globals;
  /** The command's name and what belongs to it. */
  readonly rest: readonly string[];
}

/**
 * Takes the global flags that stand before the command.
 *
 * @throws {LaminaError} `usage` for a flag that is not global.
 */
export function parseHead(argv: readonly string[]): Head {
  const parsed = parse(argv, GLOBAL_FLAGS, "lamina", true);
  return { globals: globalsOf(parsed.flags), rest: parsed.positional };
}

/**
 * Reads the values of a command.
 *
 * @param before The global flags that stood before the command.
 * @param command The command's full name, for messages.
 * @throws {LaminaError} `usage`. With `--help` among the flags, arguments are not checked.
 */
export function parseCommand(
  spec: CommandSpec,
  argv: readonly string[],
  before: Globals,
  command: string,
): { readonly globals: Globals; readonly input: RawInput } {
  const verbatim = spec.arguments.at(-1)?.verbatim === true;
  const parsed = parse(argv, [...spec.flags, ...GLOBAL_FLAGS], command, verbatim);
  const after = globalsOf(parsed.flags);
  const globals: Globals = {
    root: after.root ?? before.root,
    plugin: [...before.plugin, ...after.plugin],
    json: before.json || after.json,
    quiet: before.quiet || after.quiet,
    verbose: before.verbose || after.verbose,
    help: before.help || after.help,
    version: before.version || after.version,
  };
  if (globals.help) return { globals, input: { flags: parsed.flags, args: {} } };
  return {
    globals,
    input: { flags: parsed.flags, args: nameArguments(spec.arguments, parsed.positional, command) },
  };
}

/** A usage error with the way to the command's help. */
export function usageError(command: string, message: string, hint?: string): LaminaError {
  // What prints it begins with the program's name.
  const subject = command.replace(/^lamina ?/, "");
  return new LaminaError("usage", subject === "" ? message : `${subject}: ${message}`, {
    hint: hint ?? `see \`${command} --help\``,
  });
}

/** The nearest of some words, or undefined when none is near enough to be meant. */
export function suggest(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const candidate of words) {
    const distance = levenshteinDistance(word, candidate);
    // A third of the word, or a pair of letters swapped.
    if (distance < least && distance <= Math.max(2, candidate.length / 3)) {
      [best, least] = [candidate, distance];
    }
  }
  return least < word.length ? best : undefined;
}

function parse(
  argv: readonly string[],
  flags: readonly FlagSpec[],
  command: string,
  stopEarly: boolean,
): { flags: Record<string, boolean | string | string[] | undefined>; positional: string[] } {
  const isValued = (flag: FlagSpec) => flag.value !== undefined;
  const parsed = parseArgs(argv, {
    // `_`: arguments that look like numbers stay the strings they are.
    string: [...flags.filter(isValued).map((flag) => flag.name), "_"],
    boolean: flags.filter((flag) => !isValued(flag)).map((flag) => flag.name),
    collect: flags.filter((flag) => flag.repeat).map((flag) => flag.name),
    alias: Object.fromEntries(
      flags.filter((flag) => flag.short !== undefined).map((flag) => [flag.name, flag.short!]),
    ),
    stopEarly,
    "--": true,
    unknown: (argument, key) => {
      if (key !== undefined) throw unknownFlag(argument, key, flags, command);
    },
  });
  const [before, after] = [parsed._ as string[], parsed["--"] ?? []];
  // What the line stopped early for is not understood here, so that a `--` in it stays for whom it is meant for.
  const kept = stopEarly && before.length > 0 && argv.includes("--") ? ["--"] : [];
  const positional = [...before, ...kept, ...after];
  const stopped = stopEarly ? positional.length : 0;
  rejectValuesOfSwitches(argv.slice(0, argv.length - stopped), flags, command);
  const values: Record<string, boolean | string | string[] | undefined> = {};
  for (const flag of flags) values[flag.name] = flagValue(flag, parsed[flag.name], command);
  return { flags: values, positional };
}

function flagValue(flag: FlagSpec, given: unknown, command: string) {
  if (flag.value === undefined) return given === true;
  if (flag.repeat) {
    return (given as string[]).map((value) => checkValue(flag, value, `--${flag.name}`, command));
  }
  return given === undefined
    ? flag.default
    : checkValue(flag, given as string, `--${flag.name}`, command);
}

function checkValue(
  spec: FlagSpec | ArgumentSpec,
  value: string,
  name: string,
  command: string,
): string {
  // parse-args gives "" for a flag at the end of the line or before another flag.
  if (value === "") {
    throw name.startsWith("--")
      ? usageError(
        command,
        `${name} needs a value`,
        `write \`${name}=${(spec as FlagSpec).value}\``,
      )
      : usageError(command, `${name} is an empty string`);
  }
  if (spec.choices !== undefined && !spec.choices.includes(value)) {
    const near = suggest(value, spec.choices);
    throw usageError(
      command,
      `${name} is one of ${spec.choices.join(", ")}, not \`${value}\``,
      near && `did you mean \`${near}\`?`,
    );
  }
  return value;
}

function nameArguments(
  specs: readonly ArgumentSpec[],
  given: readonly string[],
  command: string,
): RawInput["args"] {
  const args: Record<string, string | readonly string[] | undefined> = {};
  let next = 0;
  for (const spec of specs) {
    if (spec.verbatim && given[next] === "--") next++;
    const values = spec.repeat ? given.slice(next) : given.slice(next, next + 1);
    next += values.length;
    if (values.length === 0 && !spec.optional) {
      throw usageError(command, `${spec.name} is missing: ${spec.summary}`);
    }
    for (const value of spec.verbatim ? [] : values) {
      checkValue(spec, value, spec.name, command);
    }
    args[spec.name.toLowerCase()] = spec.repeat ? values : values[0];
  }
  if (next < given.length) {
    throw usageError(command, `\`${given[next]}\` is one argument too many`);
  }
  return args;
}

function unknownFlag(
  argument: string,
  key: string,
  flags: readonly FlagSpec[],
  command: string,
): LaminaError {
  const shown = argument.startsWith("--") ? argument.replace(/=.*/s, "") : `-${key}`;
  const near = argument.startsWith("--")
    ? suggest(shown.slice(2), flags.map((flag) => flag.name))
    : undefined;
  return usageError(
    command,
    `unknown flag \`${shown}\``,
    near && `did you mean \`--${near}\`?`,
  );
}

/** `--json=no` would count as true. */
function rejectValuesOfSwitches(
  argv: readonly string[],
  flags: readonly FlagSpec[],
  command: string,
): void {
  for (const argument of argv) {
    if (argument === "--") return;
    const name = /^--?([^=]+)=/.exec(argument)?.[1];
    const flag = name && flags.find((flag) => flag.name === name || flag.short === name);
    if (flag && flag.value === undefined) {
      throw usageError(command, `\`${argument.replace(/=.*/s, "")}\` takes no value`);
    }
  }
}

function globalsOf(flags: Record<string, unknown>): Globals {
  return Object.fromEntries(
    GLOBAL_FLAGS.map((flag) => [flag.name, flags[flag.name]]),
  ) as unknown as Globals;
}
