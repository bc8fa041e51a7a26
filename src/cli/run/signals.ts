/**
 * Signals of `lamina run`: before the command runs they stop the work, afterwards they are handed on to it.
 *
 * The command is process 1 of a PID namespace, to which the kernel delivers no signal that it has no handler for (pid_namespaces(7)). Where
 * the signal would end any other process, it is ended by SIGKILL, so that Ctrl-C works.
 *
 * @module
 */

import { listenTo, takesSignal } from "../signals.ts";

/** All of them end a process that does nothing about them: signal(7). */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 };

type Name = keyof typeof SIGNALS;

/** What the terminal sends to the command by itself: both are in its foreground process group. */
const FROM_TERMINAL: ReadonlySet<Name> = new Set<Name>(["SIGINT", "SIGQUIT"]);

/** Listens from its construction until disposal. */
export class CommandSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #terminal = Deno.stdin.isTerminal();
  readonly #stop: () => void;
  #child: Deno.ChildProcess | undefined;
  #received: Name | undefined;

  /** See the class. */
  constructor() {
    this.#stop = listenTo(SIGNALS, (name) => this.#receive(name));
  }

  /** Aborted by a signal that comes before {@link CommandSignals.handTo}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the number of the signal that aborted, or that the command was ended for; or undefined. */
  get exitCode(): number | undefined {
    return this.#received === undefined ? undefined : 128 + SIGNALS[this.#received];
  }

  /** From here on signals go to a process. */
  handTo(child: Deno.ChildProcess): void {
    this.#child = child;
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    this.#stop();
  }

  #receive(name: Name): void {
    if (this.#child === undefined) {
      this.#received ??= name;
      this.#controller.abort(new Error(`interrupted by ${name}; what was half done is undone`));
      return;
    }
    try {
      if (!takesSignal(this.#child.pid, SIGNALS[name], "Cgt", "Ign")) {
        this.#received ??= name;
        this.#child.kill("SIGKILL");
      } else if (!this.#terminal || !FROM_TERMINAL.has(name)) {
        this.#child.kill(name);
      }
    } catch {
      // It has just ended.
    }
  }
}
