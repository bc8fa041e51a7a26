/**
 * What is remembered between runs, in the store's cache: which strategies worked where, and how far estimates were off. Losing it costs
 * milliseconds, so nothing here is made durable, and what cannot be read is forgotten.
 *
 * @module
 */

import { median } from "./bench/statistics.ts";
import type { Verdict } from "./plugin.ts";

/** A verdict that a strategy works. */
export type Positive = Extract<Verdict, { works: true }>;

interface Contents {
  /** Boot and kernel that the verdicts are of. */
  readonly system: string;
  readonly verdicts: Record<string, Positive>;
  /** What the last compositions took, as multiples of their estimates, the latest last; the key that was used last is the last. */
  readonly corrections: Record<string, readonly number[]>;
}

/** So many of the last compositions make a correction, by their median: a disk that was busy once decides nothing. */
const OBSERVED = 7;
/** Beyond these a clock was set, or a machine slept. */
const [LEAST, MOST] = [0.01, 100];
/** So many keys are kept: filesystems go, plugins get new versions. */
const KEYS = 512;

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

  /**
   * What estimates are to be multiplied with: the median of what was observed and, twice, of what was to be expected without: one
   * composition on a busy machine says less than the model.
   *
   * @param keys Of the same thing, the one that says most of it first: what is expected for one is the next one's correction, for the last
   * one it is 1.
   */
  correction(...keys: readonly string[]): number {
    let expected = 1;
    for (const key of keys.toReversed()) {
      const observed = this.#observed(key);
      if (observed.length > 0) expected = median([expected, expected, ...observed]);
    }
    return Math.round(expected * 1000) / 1000;
  }

  /** Remembers under some keys what a composition took, against its estimate before any correction; both in milliseconds. */
  rememberTime(keys: readonly string[], took: number, estimated: number): void {
    if (!(estimated > 0) || !(took > 0)) return;
    const { corrections } = this.#contents;
    const ratio = Math.min(Math.max(took / estimated, LEAST), MOST);
    for (const key of keys) {
      const observed = [...this.#observed(key), Math.round(ratio * 1000) / 1000].slice(-OBSERVED);
      delete corrections[key];
      corrections[key] = observed;
    }
    for (const old of Object.keys(corrections).slice(0, -KEYS)) delete corrections[old];
    this.#write();
  }

  #observed(key: string): readonly number[] {
    const values: unknown = this.#contents.corrections[key];
    if (!Array.isArray(values)) return [];
    return values.filter((value) => value >= LEAST && value <= MOST).slice(-OBSERVED);
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

/** A long key in 16 hex digits: FNV-1a, with two multipliers. A library's hash would take longer to load than all else here. */
export function shortKey(text: string): string {
  let [a, b] = [0x811c9dc5, 0x811c9dc5];
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x85ebca6b);
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
}

/** Identifies this boot of this kernel. */
function systemKey(): string {
  return `${bootId()} ${Deno.osRelease()}`;
}

let boot: string | undefined;

/** Identifies this boot: /proc/sys/kernel/random/boot_id; empty where there is none. */
export function bootId(): string {
  return boot ??= readBootId();
}

function readBootId(): string {
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
