/**
 * The floor for pulling: what any program has to do to these bytes and files, in C (floor/pull_floor.c).
 *
 * @module
 */

import { Store } from "../src/store/mod.ts";
import { median } from "../src/strategy/bench/statistics.ts";
import { compileFloor } from "./floor/commands.ts";
import type { Subject } from "./ground.ts";
import { writePlan } from "./plan.ts";
import { needing, run } from "./tool.ts";
import type { Unpacker } from "./unpacker.ts";

/** Parts in the order in which the program prints them. */
const PARTS = ["inflate", "SHA-256 of the blobs", "of the archives", "fs-verity", "files, syncfs"];

/** Compiler flags of the libraries that inflate, the fastest first. */
const LIBRARIES = [
  ["-DWITH_ISAL", "-lisal"],
  ["-DWITH_LIBDEFLATE", "-ldeflate"],
  ["-lz"],
];

/** The floor: its time is that of all parts, one after the other on one thread, divided by the number of processors. */
export class PullFloor {
  readonly unpacker: Unpacker;
  readonly #rounds: number[][] = [];
  #library = "";

  /** @param scratch A directory: gets the program, and a store with the image, for what files have in them. */
  constructor(subject: Subject, scratch: string) {
    const processors = navigator.hardwareConcurrency;
    const name = `the floor in C, divided by ${processors} processors`;
    const program = needing("cc").skip === undefined ? compile(scratch) : undefined;
    if (program === undefined) {
      const skip = "needs cc, OpenSSL, and a library that inflates";
      this.unpacker = { name, skip, run: () => {} };
      return;
    }
    const input = inputOf(subject, scratch);
    const sum = (parts: readonly number[]) => parts.reduce((all, part) => all + part, 0);
    this.unpacker = {
      name,
      run: (on) => {
        const [plan, objects, ...blobs] = input;
        const words = run(program, [plan, objects, `${on}/floor`, ...blobs]).split(" ");
        this.#library = words[0];
        this.#rounds.push(words.slice(1).map(Number));
        return sum(this.#rounds[this.#rounds.length - 1]) / processors;
      },
    };
  }

  /** Medians of the parts, as a sentence. */
  get notes(): string[] {
    if (this.#rounds.length === 0) return [];
    const part = (name: string, at: number) =>
      `${name} ${median(this.#rounds.map((parts) => parts[at])).toFixed(0)}`;
    return [
      `The floor's parts on one thread, in ms: ${
        PARTS.map(part).join(", ")
      }. It inflates by ${this.#library}.`,
    ];
  }
}

/** Compiles the floor with the fastest library that the compiler finds; undefined if it finds none. */
function compile(into: string): string | undefined {
  for (const flags of LIBRARIES) {
    try {
      return compileFloor("pull_floor", into, ...flags, "-lcrypto");
    } catch {
      // The next library.
    }
  }
}

/** Arguments of the program: the plan, the directory of objects, the blobs. */
function inputOf(
  { lamina, layout, image }: Subject,
  scratch: string,
): [string, string, ...string[]] {
  const root = `${scratch}/store`;
  run(lamina, ["--root", root, "--quiet", "pull", `oci:${layout}:${image}`, "--name", image]);
  const plan = `${scratch}/plan`;
  writePlan(root, image, plan);
  const store = Store.open(root);
  const { layers } = store.images.find(image);
  const blobs = layers.map(({ digest }) => `${layout}/blobs/${digest.replace(":", "/")}`);
  return [plan, store.layout.objects, ...blobs];
}
