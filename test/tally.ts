/**
 * The sum of what several runs of `deno test` say in their last lines.
 *
 * @module
 */

/** `ok | 12 passed (3 steps) | 0 failed | 1 ignored | 2 filtered out (340ms)`; it is coloured where deno thinks that fits. */
const SUMMARY = /^(?:ok|FAILED) \| .*\d+ passed.*$/gm;
const PART = /(\d+) (passed|failed|ignored|measured|filtered out)(?: \((\d+) steps?\))?/g;
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[[\d;]*m/g;

interface Count {
  tests: number;
  steps: number;
}

/** Adds up runs; one that ends badly, or without having had a test, has failed. */
export class Tally {
  readonly #counts = new Map<string, Count>([
    ["passed", { tests: 0, steps: 0 }],
    ["failed", { tests: 0, steps: 0 }],
  ]);
  readonly #failures: string[] = [];

  /** Whether there was a run, and none failed. */
  get ok(): boolean {
    return this.#runs > 0 && this.#failures.length === 0;
  }
  #runs = 0;

  /** Adds the run of a file: what it printed, and its exit code. */
  add(file: string, output: string, code: number): void {
    this.#runs++;
    const summary = output.replace(COLOURS, "").match(SUMMARY)?.at(-1) ?? "";
    let known = 0;
    let failed = 0;
    for (const [, tests, what, steps = "0"] of summary.matchAll(PART)) {
      this.#count(what, Number(tests), Number(steps));
      known += Number(tests);
      if (what === "failed") failed = Number(tests);
    }
    if (code === 0 && known > 0 && failed === 0) return;
    const untold = failed === 0 ? ` (exit code ${code}, of ${known} tests none failed)` : "";
    if (untold) this.#count("failed", 1, 0);
    this.#failures.push(`FAILED ${file}${untold}`);
  }

  /** The files that failed, a line each, and the sum as `deno test` would say it. */
  summary(milliseconds: number): string {
    const parts = [...this.#counts].map(([what, { tests, steps }]) =>
      `${tests} ${what}${steps === 0 ? "" : ` (${steps} step${steps === 1 ? "" : "s"})`}`
    );
    const seconds = Math.round(milliseconds / 1000);
    const time = seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
    const sum = `${this.ok ? "ok" : "FAILED"} | ${parts.join(" | ")} (${time})`;
    return ["", ...this.#failures, sum].join("\n");
  }

  #count(what: string, tests: number, steps: number): void {
    let count = this.#counts.get(what);
    if (count === undefined) this.#counts.set(what, count = { tests: 0, steps: 0 });
    count.tests += tests;
    count.steps += steps;
  }
}
