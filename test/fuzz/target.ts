/**
 * What can be fuzzed: a parser, and what must hold of it whatever it is given.
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../src/error.ts";
import type { Random } from "./random.ts";

/** A parser, and what must hold of it. */
export interface Target extends Partial<AsyncDisposable> {
  /** Its name: that of its file, and of the directory of its seeds. */
  readonly name: string;
  /** Inputs that are well-formed, or nearly so, to begin with. */
  starts(): readonly Uint8Array[];
  /**
   * Gives an input to the parser.
   *
   * @throws Anything: what must hold does not. That the input is refused is no error, see {@link orRefused}.
   */
  run(input: Uint8Array): void | Promise<void>;
  /** Byte strings that have a meaning. */
  readonly words?: readonly string[];
  /** Makes checksums and counts right again, so that what was changed is looked at. */
  mend?(input: Uint8Array): Uint8Array;
  /** Changes an input in a way of its own; undefined: leaves it to the general ways. */
  mutate?(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array | undefined;
  /** Inputs of the short form that is a test. Default: 300. */
  readonly short?: number;
  /** Why it cannot run here. */
  readonly obstacle?: string;
}

/** Longest message that a person is shown. */
const LONGEST_MESSAGE = 20_000;

/** Kinds of errors that say that the input will not do. */
const REFUSALS: readonly ErrorKind[] = ["invalid", "unsupported"];

/** What a parser refused an input with. */
export class Refused {
  constructor(readonly error: LaminaError) {}

  /** Two readings of one input refuse it alike. */
  toString(): string {
    return `${this.error.kind}: ${this.error.message}`;
  }
}

/**
 * What a parser makes of an input, or the error that it refuses it with.
 *
 * @param kinds Kinds of errors that it may have.
 * @throws Any other error, and one whose message nobody can read.
 */
export function orRefused<T>(parse: () => T, kinds = REFUSALS): T | Refused {
  try {
    return parse();
  } catch (error) {
    return refused(error, kinds);
  }
}

/** The same for what takes its time. */
export async function orRefusedLater<T>(
  parse: () => Promise<T>,
  kinds = REFUSALS,
): Promise<T | Refused> {
  try {
    return await parse();
  } catch (error) {
    return refused(error, kinds);
  }
}

function refused(error: unknown, kinds: readonly ErrorKind[]): Refused {
  if (!(error instanceof LaminaError)) throw error;
  if (!kinds.includes(error.kind)) throw new Error(`refused as ${error.kind}`, { cause: error });
  const { length } = error.message;
  if (length > LONGEST_MESSAGE) throw new Error(`a message of ${length} characters`);
  return new Refused(error);
}

/** Latin-1: one byte for each character. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** One character for each byte. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
