/**
 * What is remembered between runs, in the store's cache: which strategies worked where, and how far estimates were off. Losing it costs
 * milliseconds, so nothing here is made durable, and what cannot be read is forgotten.
 *
 * @module
 */

import type { Verdict } from "./plugin.ts";

/** A verdict that a strategy works. */
export type Positive = Extract<Verdict, { works: true }>;

interface Contents {
  /** Boot and kernel that the verdicts are of. */
  readonly system: string;
  readonly verdicts: Record<string, Positive>;
  /** What compositions took, as a multiple of their estimates. */
  readonly corrections: Record<string, number>;
}

/** So much of a new observation goes into a correction. */
const WEIGHT = 0.3;
/** One slow disk or one lucky cache must not decide for ever. */
const [LEAST, MOST] = [0.2, 5];

/** The memory of one store. Every change is written at once; of two writers at the same time one may be lost. */
export class Memory {
  readonly #file: string;
  readonly #contents: Contents;

  /** @param directory The store's cache directory. */
  constructor(directory: string) {
    this.#file = `${directory}/strategies.json`;
    const system = systemKey();
    const before = readContents(this.#file);
    // Verdicts are good for one boot of one kernel; what things take is the same after the next.
    this.#contents = {
      system,
      verdicts: before?.system === system ? before.verdicts : {},
      corrections: before?.corrections ?? {},
    };
  }

  verdict(key: string): Positive | undefined {
    return this.#contents.verdicts[key];
  }

  /** Remembers verdicts. */
  rememberVerdicts(verdicts: ReadonlyMap<string, Positive>): void {
    if (verdicts.size === 0) return;
    Object.assign(this.#contents.verdicts, Object.fromEntries(verdicts));
    this.#write();
  }

  /** Forgets a verdict that turned out wrong. */
  forgetVerdict(key: string): void {
    if (!(key in this.#contents.verdicts)) return;
    delete this.#contents.verdicts[key];
    this.#write();
  }

  /** What estimates are to be multiplied with. */
  correction(key: string): number {
    const value = this.#contents.corrections[key];
    return typeof value === "number" && value >= LEAST && value <= MOST ? value : 1;
  }

  /** Remembers what a composition took, against its estimate before any correction; both in milliseconds. */
  rememberTime(key: string, took: number, estimated: number): void {
    if (!(estimated > 0) || !(took > 0)) return;
    const observed = Math.min(Math.max(took / estimated, LEAST), MOST);
    const before = this.#contents.corrections[key];
    const after = before === undefined ? observed : before * (1 - WEIGHT) + observed * WEIGHT;
    this.#contents.corrections[key] = Math.round(after * 1000) / 1000;
    this.#write();
  }

  #write(): void {
    const temporary = `${this.#file}.${crypto.randomUUID()}`;
    try {
      Deno.writeTextFileSync(temporary, JSON.stringify(this.#contents));
      Deno.renameSync(temporary, this.#file);
    } catch {
      // A full or read-only store: then it is asked again the next time.
    }
  }
}

/** Identifies this boot of this kernel. */
export function systemKey(): string {
  return `${bootId()} ${Deno.osRelease()}`;
}

/** Identifies this boot: /proc/sys/kernel/random/boot_id; empty where there is none. */
export function bootId(): string {
  try {
    return Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
  } catch {
    return "";
  }
}

function readContents(file: string): Contents | undefined {
  try {
    const value = JSON.parse(Deno.readTextFileSync(file));
    const whole = typeof value.system === "string" && isRecord(value.verdicts) &&
      isRecord(value.corrections);
    return whole ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
