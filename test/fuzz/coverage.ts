/**
 * Which blocks of the sources an input reaches: V8's own precise coverage, of this thread.
 *
 * @module
 */

import { Session } from "node:inspector";

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

const SOURCES = new URL("../../src/", import.meta.url).href;

/** Counts what is new. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  private constructor() {
    this.#session.connect();
  }

  /** Starts to count. */
  static async start(): Promise<Coverage> {
    const coverage = new Coverage();
    await coverage.#post("Profiler.enable");
    await coverage.#post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
    return coverage;
  }

  /** Blocks that were reached so far. */
  get reached(): number {
    return this.#seen.size;
  }

  /**
   * Whether something was reached since the last call that was not before.
   *
   * @param keep Whether it counts as seen from now on.
   */
  async news(keep: boolean): Promise<boolean> {
    const { result } = await this.#post("Profiler.takePreciseCoverage") as {
      result: readonly Script[];
    };
    let news = false;
    for (const { url, functions } of result) {
      if (!url.startsWith(SOURCES)) continue;
      for (const { ranges } of functions) {
        for (const { startOffset, endOffset, count } of ranges) {
          if (count === 0) continue;
          const key = `${url}:${startOffset}-${endOffset}`;
          if (this.#seen.has(key)) continue;
          news = true;
          if (keep) this.#seen.add(key);
        }
      }
    }
    return news;
  }

  #post(method: string, parameters?: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) =>
      this.#session.post(
        method,
        parameters,
        (error: unknown, result: unknown) =>
          error ? reject(new Error(JSON.stringify(error))) : resolve(result),
      )
    );
  }
}
