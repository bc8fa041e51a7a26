/**
 * A process that gives one target input after input, and keeps those that reach something new.
 *
 *     explore.ts TARGET SEED SECONDS DIRECTORY     looks for findings, prints one JSON document a line
 *     explore.ts TARGET --replay FILE              gives it one input
 *
 * Before each input the file `current` in the directory gets its number and the input: what is in there when the process hangs or dies is
 * what did it.
 *
 * @module
 */

import { type Coverage as CoverageOf } from "./coverage.ts";
import { keyOf, minimise } from "./minimise.ts";
import { Memory } from "./memory.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { savedSeeds, saveSeed } from "./seeds.ts";
import type { Target } from "./target.ts";
import { loadTarget } from "./targets.ts";

/** Inputs between two looks at coverage and memory. */
const BATCH = 64;
const BATCH_MS = 250;
/** How long an input is made smaller, in milliseconds. */
const MINIMISE_MS = 5000;

/** What such a process says. */
export type Report =
  | { readonly finding: string; readonly seed: string; readonly bytes: number }
  | { readonly executions: number; readonly blocks: number; readonly corpus: number };

/** The file with the input that is being run. */
class Current {
  readonly #file: Deno.FsFile;
  #number = 0;

  constructor(directory: string) {
    this.#file = Deno.openSync(`${directory}/current`, { write: true, create: true });
  }

  set(input: Uint8Array): void {
    const bytes = new Uint8Array(8 + input.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, ++this.#number, true);
    view.setUint32(4, input.length, true);
    bytes.set(input, 8);
    this.#file.seekSync(0, Deno.SeekMode.Start);
    this.#file.writeSync(bytes);
  }

  get number(): number {
    return this.#number;
  }
}

class Explorer {
  readonly #target: Target;
  readonly #coverage: CoverageOf;
  readonly #random: Random;
  readonly #current: Current;
  readonly #memory = new Memory();
  readonly #corpus: Uint8Array[] = [];
  readonly #known = new Set<string>();

  constructor(target: Target, coverage: CoverageOf, seed: number, directory: string) {
    this.#target = target;
    this.#coverage = coverage;
    this.#random = new Random(seed);
    this.#current = new Current(directory);
  }

  async explore(seconds: number): Promise<Report> {
    for (const input of [...this.#target.starts(), ...savedSeeds(this.#target.name)]) {
      this.#corpus.push(input);
      await this.#attempt(input);
    }
    await this.#coverage.news(true);
    const end = Date.now() + 1000 * seconds;
    while (Date.now() < end) {
      const batch: Uint8Array[] = [];
      this.#memory.begin();
      for (const until = Date.now() + BATCH_MS; batch.length < BATCH && Date.now() < until;) {
        const [input, other] = [this.#choose(), this.#choose()];
        const changed = mutate(this.#target, input, this.#random, other);
        batch.push(changed);
        await this.#attempt(changed);
      }
      if (this.#memory.suspicious) await this.#findLarge(batch);
      if (await this.#coverage.news(false)) await this.#keepNew(batch);
    }
    return {
      executions: this.#current.number,
      blocks: this.#coverage.reached,
      corpus: this.#corpus.length,
    };
  }

  /** What was found last leads on most often. */
  #choose(): Uint8Array {
    const { length } = this.#corpus;
    const recent = Math.min(length, 20);
    return this.#random.oneIn(2)
      ? this.#corpus[length - 1 - this.#random.below(recent)]
      : this.#random.pick(this.#corpus);
  }

  async #attempt(input: Uint8Array): Promise<void> {
    this.#current.set(input);
    try {
      await this.#target.run(input);
    } catch (error) {
      await this.#report(input, error);
    }
  }

  async #keepNew(batch: readonly Uint8Array[]): Promise<void> {
    for (const input of batch) {
      await this.#attempt(input);
      if (await this.#coverage.news(true)) this.#corpus.push(input);
    }
  }

  async #findLarge(batch: readonly Uint8Array[]): Promise<void> {
    for (const input of batch) {
      const grown = await this.#memory.grownBy(() => this.#attempt(input));
      if (Memory.isTooMuch(grown, input.length)) {
        await this.#report(input, new Error(`memory: ${input.length} bytes took ${grown}`));
      }
    }
  }

  async #report(input: Uint8Array, error: unknown): Promise<void> {
    const key = keyOf(error);
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const still = async (smaller: Uint8Array) => {
      this.#current.set(smaller);
      try {
        await this.#target.run(smaller);
        return false;
      } catch (again) {
        return keyOf(again) === key;
      }
    };
    const least = await minimise(input, still, Date.now() + MINIMISE_MS);
    const seed = saveSeed(this.#target.name, least);
    print({ finding: key, seed, bytes: least.length });
  }
}

function print(report: Report): void {
  console.log(JSON.stringify(report));
}

if (import.meta.main) {
  const [name, first, ...rest] = Deno.args;
  const target = await loadTarget(name);
  try {
    if (first === "--replay") await target.run(Deno.readFileSync(rest[0]));
    else {
      const { Coverage } = await import("./coverage.ts");
      const explorer = new Explorer(target, await Coverage.start(), Number(first), rest[1]);
      print(await explorer.explore(Number(rest[0])));
    }
  } finally {
    await target[Symbol.asyncDispose]?.();
  }
  Deno.exit(0);
}
