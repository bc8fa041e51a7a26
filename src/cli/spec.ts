/**
 * What a command is, as data: parsing, `--help` and the shell completions all come from this one description.
 *
 * @module
 */

import type { Context } from "./context.ts";
import type { Answer } from "./terminal/output.ts";

/** What a value names, so that a shell can complete it. */
export type Completion =
  | "image"
  | "composition"
  | "lease"
  | "strategy"
  | "reference"
  | "file"
  | "directory";

/** One `--flag`. */
export interface FlagSpec {
  /** The long name, without dashes. */
  readonly name: string;
  /** The one-letter name, without its dash. */
  readonly short?: string;
  /** Placeholder of the flag's value in help texts; a flag without one is a switch. */
  readonly value?: string;
  /** Whether the flag may be given more than once; its value is then a list. */
  readonly repeat?: boolean;
  /** The values that are allowed; undefined: any. */
  readonly choices?: readonly string[];
  /** What the value names. */
  readonly complete?: Completion;
  /** The value when the flag is not given. */
  readonly default?: string;
  /** One line of help. */
  readonly summary: string;
}

/** One argument without a dash. */
export interface ArgumentSpec {
  /** Its name in help texts, upper case; a command finds its value under the same name in lower case. */
  readonly name: string;
  /** Whether it may be left out. */
  readonly optional?: boolean;
  /** Whether it takes all arguments that are left (only the last one may). */
  readonly repeat?: boolean;
  /** With `repeat`: from the command's first argument on nothing is a flag, and all that is left is taken as it is, after a `--` if there is one. */
  readonly verbatim?: boolean;
  /** The values that are allowed; undefined: any. */
  readonly choices?: readonly string[];
  /** What it names. */
  readonly complete?: Completion;
  /** One line of help. */
  readonly summary: string;
}

/** What a command takes; its name and its one-line summary are in the table of commands. */
export interface CommandSpec {
  /** A paragraph or two of help below the usage line. */
  readonly description?: string;
  readonly arguments: readonly ArgumentSpec[];
  readonly flags: readonly FlagSpec[];
  readonly examples: readonly { readonly command: string; readonly says: string }[];
}

type Value<S extends { choices?: readonly string[] }> = S extends
  { choices: readonly (infer C extends string)[] } ? C : string;

type FlagValue<F extends FlagSpec> = F extends { value: string }
  ? F extends { repeat: true } ? readonly Value<F>[]
  : F extends { default: string } ? Value<F>
  : Value<F> | undefined
  : boolean;

type ArgumentValue<A extends ArgumentSpec> = A extends { repeat: true } ? readonly Value<A>[]
  : A extends { optional: true } ? Value<A> | undefined
  : Value<A>;

/** The values of a command's flags, by name, typed from its spec. */
export type FlagValues<S extends CommandSpec> = {
  readonly [F in S["flags"][number] as F["name"]]: FlagValue<F>;
};

/** The values of a command's arguments, by lower-case name, typed from its spec. */
export type ArgumentValues<S extends CommandSpec> = {
  readonly [A in S["arguments"][number] as Lowercase<A["name"]>]: ArgumentValue<A>;
};

/** What a command gets. */
export interface Input<S extends CommandSpec> {
  readonly flags: FlagValues<S>;
  readonly args: ArgumentValues<S>;
}

/** Values before they have their types. */
export interface RawInput {
  readonly flags: Readonly<Record<string, boolean | string | readonly string[] | undefined>>;
  readonly args: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** What a command's module exports by default. */
export interface Command {
  readonly spec: CommandSpec;
  /** Does the work and says what is to be printed. */
  run(context: Context, input: RawInput): Promise<Answer> | Answer;
}

/** Ties a spec to the function that gets its values, typed. */
export function defineCommand<const S extends CommandSpec>(
  spec: S,
  run: (context: Context, input: Input<S>) => Promise<Answer> | Answer,
): Command {
  return { spec, run: (context, input) => run(context, input as unknown as Input<S>) };
}
