/**
 * Progress bars on stderr: one line for each thing under way, redrawn in place, gone when done.
 *
 * @module
 */

import { writeText } from "./output.ts";
import type { Screen } from "./screen.ts";
import { printable } from "./printable.ts";
import { cut, width } from "./text.ts";
import { count, duration, size } from "./units.ts";

/** What a task's numbers count. */
export type Unit = "bytes" | "entries";

/** One thing under way. */
export interface Task {
  /** Says how far it is. Cheap: draws at most some times a second. */
  update(done: number, total?: number): void;
  /** It is done: its line goes. */
  finish(): void;
}

/** A set of tasks that are shown until it is disposed. */
export interface Progress extends Disposable {
  /** @param total Undefined where it is not known. */
  task(label: string, total: number | undefined, unit?: Unit): Task;
}

/** Bars on stderr. Use with `using`: whatever happens, no line is left behind. */
export function showProgress(screen: Screen): Progress {
  return new Bars(screen, (text) => writeText("stderr", text), () => performance.now());
}

/** The state of one bar. */
export interface Bar {
  readonly label: string;
  readonly unit: Unit;
  readonly done: number;
  readonly total: number | undefined;
  /** Units per second, smoothed; 0 while it is not known. */
  readonly rate: number;
}

/** Milliseconds between two drawings. */
const INTERVAL = 80;
/** The smoothed rate forgets with this time constant, in milliseconds. */
const MEMORY = 2000;

class MutableBar implements Bar {
  done = 0;
  rate = 0;
  #seen = 0;
  #seenAt: number;

  constructor(
    readonly label: string,
    readonly unit: Unit,
    public total: number | undefined,
    now: number,
  ) {
    this.#seenAt = now;
  }

  /** Takes the rate since the last call into the smoothed one. */
  measure(now: number): void {
    const elapsed = now - this.#seenAt;
    if (elapsed < INTERVAL) return;
    const current = Math.max(0, this.done - this.#seen) / elapsed * 1000;
    const weight = this.rate === 0 ? 1 : 1 - Math.exp(-elapsed / MEMORY);
    this.rate += (current - this.rate) * weight;
    this.#seen = this.done;
    this.#seenAt = now;
  }
}

/** The drawing behind {@link showProgress}; its output and its clock are handed in for tests. */
export class Bars implements Progress {
  readonly #bars = new Set<MutableBar>();
  #lines = 0;
  #drawnAt: number;

  constructor(
    private readonly screen: Screen,
    private readonly write: (text: string) => void,
    private readonly clock: () => number,
  ) {
    this.#drawnAt = clock();
  }

  task(label: string, total: number | undefined, unit: Unit = "bytes"): Task {
    const bar = new MutableBar(label, unit, total, this.clock());
    this.#bars.add(bar);
    return {
      update: (done, total) => {
        bar.done = done;
        if (total !== undefined) bar.total = total;
        this.#draw(false);
      },
      finish: () => {
        this.#bars.delete(bar);
        this.#draw(true);
      },
    };
  }

  /** Nothing is left on the screen. */
  [Symbol.dispose](): void {
    this.#bars.clear();
    this.#draw(true);
  }

  #draw(now: boolean): void {
    const time = this.clock();
    if (!now && time - this.#drawnAt < INTERVAL) return;
    this.#drawnAt = time;
    for (const bar of this.#bars) bar.measure(time);
    const lines = renderBars([...this.#bars], this.screen);
    if (lines.length === 0 && this.#lines === 0) return;
    // Back to the first line, each line cleared as it is written, the rest of the screen below them.
    const up = this.#lines > 0 ? `\x1b[${this.#lines}A` : "";
    this.write(`\r${up}${lines.map((line) => `${line}\x1b[K\n`).join("")}\x1b[J`);
    this.#lines = lines.length;
  }
}

/** The lines of some bars, as wide as the screen, at most as many as it has rows. */
export function renderBars(bars: readonly Bar[], screen: Screen): string[] {
  const room = Math.max(1, screen.rows - 2);
  const shown = bars.slice(0, bars.length > room ? room - 1 : room);
  const lines = shown.map((bar) => renderBar(bar, screen));
  if (shown.length < bars.length) lines.push(`and ${bars.length - shown.length} more`);
  return lines;
}

const LABEL = 24;

function renderBar(bar: Bar, screen: Screen): string {
  const amount = bar.unit === "bytes" ? size : (n: number) => count(Math.round(n));
  const label = cut(printable(bar.label), LABEL);
  const known = bar.total !== undefined && bar.total > 0;
  const share = known ? Math.min(1, bar.done / bar.total!) : 0;
  const facts = [
    known ? `${Math.floor(share * 100)}%`.padStart(4) : "",
    known ? `${amount(bar.done)} of ${amount(bar.total!)}` : amount(bar.done),
    bar.rate > 0 ? `${amount(bar.rate)}/s` : "",
    known && bar.rate > 0 && share < 1
      ? `${duration(Math.ceil((bar.total! - bar.done) / bar.rate) * 1000)} left`
      : "",
  ].filter((fact) => fact !== "").join("  ");
  const head = label + " ".repeat(LABEL - width(label)) + " ";
  const columns = screen.columns - width(head) - 2 - Math.max(44, width(facts));
  if (!known || columns < 8) return cut(head + facts, screen.columns - 1);
  const full = Math.floor(share * columns);
  const [filled, empty] = screen.unicode ? ["━", "─"] : ["#", "."];
  const drawn = screen.paint("green", filled.repeat(full)) +
    screen.paint("dim", empty.repeat(columns - full));
  return `${head}${drawn} ${facts}`;
}
