/**
 * SIGINT, SIGTERM and SIGHUP, unless they are ignored from the start on: the first one asks the command to undo what is half done, a second one ends the program.
 *
 * @module
 */

import { listenTo } from "./signals.ts";

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Listens from the first use of {@link Interrupts.signal} on: most commands never need it. */
export class Interrupts {
  #controller: AbortController | undefined;
  #received: keyof typeof SIGNALS | undefined;

  /** The signal that commands hand on. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      listenTo(SIGNALS, (name) => this.#receive(name));
    }
    return this.#controller.signal;
  }

  /** 128 + the number of the signal that came (as shells have it), or undefined. */
  get exitCode(): number | undefined {
    return this.#received === undefined ? undefined : 128 + SIGNALS[this.#received];
  }

  /** The name of the signal that came. */
  get name(): string | undefined {
    return this.#received;
  }

  #receive(name: keyof typeof SIGNALS): void {
    if (this.#received !== undefined) Deno.exit(128 + SIGNALS[name]);
    this.#received = name;
    this.#controller!.abort(new Error(`interrupted by ${name}`));
  }
}
