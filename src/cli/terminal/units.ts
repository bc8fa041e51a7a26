/**
 * Numbers for people: sizes, durations, counts, ages.
 *
 * @module
 */

import { format } from "@std/fmt/bytes";

/** `1337` → `1.34 kB` (units of 1000, as container tools print them). */
export function size(bytes: number): string {
  return format(Math.round(bytes));
}

/** Milliseconds → `0.42 ms`, `3.1 ms`, `120 ms`, `4.21 s`, `2 min 5 s`, `3 h 20 min`. */
export function duration(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.995) return `${seconds.toFixed(2)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor(whole % 3600 / 60)} min`;
}

/** `1234567` → `1,234,567`. */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 file`, `2 files`, `1,200 directories`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** The time to a date: `in a moment`, `in 5 minutes`, `in 2 weeks`; `now` from then on. */
export function until(then: Date, now: Date): string {
  const seconds = (then.getTime() - now.getTime()) / 1000;
  if (seconds <= 0) return "now";
  for (const [name, length] of UNITS) {
    // Rounded, so that what was just given 24 hours does not say 23.
    const value = Math.round(seconds / length);
    if (seconds >= length * 0.99) return `in ${plural(value, name)}`;
  }
  return "in a moment";
}

/** The time since a date: `just now`, `5 minutes ago`, `2 weeks ago`; the date itself when it is ahead of the clock. */
export function age(then: Date, now: Date): string {
  const seconds = (now.getTime() - then.getTime()) / 1000;
  if (Number.isNaN(seconds)) return "";
  if (seconds < -60) return then.toISOString().slice(0, 10);
  for (const [name, length] of UNITS) {
    if (seconds >= length) return `${plural(Math.floor(seconds / length), name)} ago`;
  }
  return "just now";
}
