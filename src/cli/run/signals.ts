/**
 * Signals of `lamina run`: before the command runs they stop the work, afterwards they are handed on to it.
 *
 * @module
 */

const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 };

type Name = keyof typeof SIGNALS;

/** What the terminal sends to the command by itself: both are in its foreground process group. */
const FROM_TERMINAL: ReadonlySet<Name> = new Set<Name>(["SIGINT", "SIGQUIT"]);

/** Listens from its construction until disposal. */
export class CommandSignals implements Disposable {
  readonly #controller = new AbortController();
  readonly #terminal = Deno.stdin.isTerminal();
  readonly #listeners = new Map<Name, () => void>();
  #child: Deno.ChildProcess | undefined;
  #received: Name | undefined;

  /** See the class. */
  constructor() {
    for (const name of Object.keys(SIGNALS) as Name[]) {
      const listener = () => this.#receive(name);
      this.#listeners.set(name, listener);
      Deno.addSignalListener(name, listener);
    }
  }

  /** Aborted by a signal that comes before {@link handTo}. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** 128 + the number of the signal that aborted, or undefined. */
  get exitCode(): number | undefined {
    return this.#received === undefined ? undefined : 128 + SIGNALS[this.#received];
  }

  /** From here on signals go to a process. */
  handTo(child: Deno.ChildProcess): void {
    this.#child = child;
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const [name, listener] of this.#listeners) Deno.removeSignalListener(name, listener);
  }

  #receive(name: Name): void {
    if (this.#child === undefined) {
      this.#received ??= name;
      this.#controller.abort(new Error(`interrupted by ${name}; what was half done is undone`));
    } else if (!this.#terminal || !FROM_TERMINAL.has(name)) {
      try {
        this.#child.kill(name);
      } catch {
        // It has just ended.
      }
    }
  }
}
