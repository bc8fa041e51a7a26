/**
 * Watches over a process that explores a target: ends it where it hangs, and finds out what killed it.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import type { Report } from "./explore.ts";
import { minimise } from "./minimise.ts";
import { saveSeed } from "./seeds.ts";

/** An input that takes longer hangs: milliseconds, a thousand times what any should take. */
const PATIENCE = 20_000;
const LOOK_EVERY = 1000;
/** How long an input is made smaller that hangs or kills, in milliseconds. */
const MINIMISE_MS = 120_000;
/** Megabytes of JavaScript's heap. */
const HEAP = 512;

const EXPLORE = fromFileUrl(new URL("./explore.ts", import.meta.url));

function command(args: readonly string[], options: Deno.CommandOptions): Deno.ChildProcess {
  const flags = `--v8-flags=--max-old-space-size=${HEAP},--expose-gc`;
  return new Deno.Command(Deno.execPath(), {
    ...options,
    args: ["run", "-A", "--no-check", "--quiet", flags, EXPLORE, ...args],
    stdin: "null",
  }).spawn();
}

/** One target for some time. */
export class Hunt {
  executions = 0;
  findings = 0;
  blocks = 0;
  corpus = 0;
  readonly #target: string;
  readonly #seed: number;
  readonly #end: number;

  constructor(target: string, seed: number, seconds: number) {
    this.#target = target;
    this.#seed = seed;
    this.#end = Date.now() + 1000 * seconds;
  }

  /** Explores until the time is over, again from the start where the process died. */
  async run(): Promise<void> {
    const directory = Deno.makeTempDirSync({ prefix: "lamina-fuzz-" });
    try {
      for (let round = 0; round === 0 || Date.now() < this.#end - LOOK_EVERY; round++) {
        await this.#round(directory, this.#seed + round);
      }
    } finally {
      Deno.removeSync(directory, { recursive: true });
    }
  }

  async #round(directory: string, seed: number): Promise<void> {
    const seconds = Math.max(1, (this.#end - Date.now()) / 1000);
    const child = command([this.#target, `${seed}`, `${seconds}`, directory], {
      stdout: "piped",
      stderr: "piped",
    });
    const hung = this.#watch(child, `${directory}/current`);
    const { code, stdout, stderr } = await child.output();
    const ended = hung.stop();
    const reports = new TextDecoder().decode(stdout).split("\n")
      .filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Report);
    for (const report of reports) this.#take(report);
    if (code === 0) return;
    const input = readCurrent(`${directory}/current`);
    if (input === undefined) throw new Error(new TextDecoder().decode(stderr));
    this.executions += input.number;
    const why = ended ? "it hangs" : `it dies: ${lastLines(new TextDecoder().decode(stderr))}`;
    await this.#kill(input.bytes, why, directory);
  }

  #take(report: Report): void {
    if ("finding" in report) {
      this.findings++;
      console.log(`${this.#target}: ${report.finding}\n  seeds/${report.seed}, ${report.bytes} B`);
    } else {
      this.executions += report.executions;
      this.blocks = report.blocks;
      this.corpus = report.corpus;
    }
  }

  /** Ends the process when it has been at one input for too long. */
  #watch(child: Deno.ChildProcess, file: string): { stop(): boolean } {
    let ended = false;
    let number = 0;
    let since = Date.now();
    const timer = setInterval(() => {
      const now = readCurrent(file)?.number ?? 0;
      if (now !== number) {
        number = now;
        since = Date.now();
      } else if (Date.now() - since > PATIENCE) {
        ended = true;
        child.kill("SIGKILL");
      }
    }, LOOK_EVERY);
    return {
      stop() {
        clearInterval(timer);
        return ended;
      },
    };
  }

  /** Keeps an input that ended the process, if it does so again. */
  async #kill(input: Uint8Array, why: string, directory: string): Promise<void> {
    const file = `${directory}/replay`;
    const still = async (smaller: Uint8Array) => {
      Deno.writeFileSync(file, smaller);
      const child = command([this.#target, "--replay", file], { stdout: "null", stderr: "null" });
      const timer = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
      const { success } = await child.status;
      clearTimeout(timer);
      return !success;
    };
    if (!await still(input)) {
      console.log(`${this.#target}: ${why}, but not when it is tried alone`);
      return;
    }
    const least = await minimise(input, still, Date.now() + MINIMISE_MS);
    this.findings++;
    const seed = saveSeed(this.#target, least);
    console.log(`${this.#target}: ${why}\n  seeds/${seed}, ${least.length} B`);
  }
}

function readCurrent(file: string): { number: number; bytes: Uint8Array } | undefined {
  let all: Uint8Array<ArrayBuffer>;
  try {
    all = Deno.readFileSync(file);
  } catch {
    return undefined;
  }
  if (all.length < 8) return undefined;
  const view = new DataView(all.buffer);
  return {
    number: view.getUint32(0, true),
    bytes: all.subarray(8, 8 + view.getUint32(4, true)),
  };
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-3).join(" ").slice(0, 500);
}
