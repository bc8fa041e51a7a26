/**
 * Processes that compose. Each is new: its code is loaded and not compiled yet, as it is in each run of the program. (Not threads: one
 * that starts a further thread, as walks do, waits a second for it in some versions of the runtime.)
 *
 * @module
 */

import { type ErrorKind, LaminaError } from "../../error.ts";
import type { Store } from "../../store/mod.ts";
import type { LoadedPlugin } from "../loader.ts";
import type { PluginSource } from "../loading/source.ts";
import type { Timings } from "../stopwatch.ts";
import { lines } from "./lines.ts";
import type { Form } from "./shape.ts";

/** The program's first argument in a process that composes: see child.ts. */
export const CHILD = "bench-child";

/** What a process is told. */
export type Order =
  /** A built-in plugin is named: the process may be of another build of the program, which has its own. */
  | { readonly kind: "load"; readonly store: string; readonly plugin: string | PluginSource }
  | {
    readonly kind: "compose";
    /** Digest of the image. */
    readonly image: string;
    readonly target: string;
    readonly form: Form;
    /** See {@link compose!ComposeOptions.learn}. */
    readonly learn: boolean;
  }
  | { readonly kind: "release"; readonly id: string }
  | { readonly kind: "stop" };

/** What it answers to all but `stop`. */
export type Answer =
  | { readonly done: unknown }
  | { readonly kind: ErrorKind; readonly hint?: string; readonly message: string };

/** A composition that a process made. */
export interface Composed {
  readonly id: string;
  /** Milliseconds since 1970, with fractions: when it was asked for, and when it was ready. */
  readonly begun: number;
  readonly ended: number;
  readonly timings: Timings;
  /** See {@link compose!ComposeResult.waited}. */
  readonly waited: number;
}

/** A composition that a process released. */
export interface Released {
  readonly milliseconds: number;
  /** Bytes on disk that it had for itself. */
  readonly bytes: number;
}

/** Where processes come from. */
export interface Origin {
  readonly store: Store;
  /** The program with the arguments that stand before its own. */
  readonly program: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/** One process. Does one thing at a time. */
export class Composer implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #orders: WritableStreamDefaultWriter<Uint8Array>;
  readonly #answers: AsyncGenerator<string>;
  readonly #signal: AbortSignal | undefined;
  // It may be at its end already.
  readonly #stop = () => void this.#tell({ kind: "stop" }).catch(() => {});

  private constructor({ program, signal }: Origin) {
    const [command, ...args] = program;
    this.#process = new Deno.Command(command, {
      args: [...args, CHILD],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#orders = this.#process.stdin.getWriter();
    this.#answers = lines(this.#process.stdout);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
  }

  /** Starts a process for one plugin. The origin's signal stops what it makes. */
  static async start(origin: Origin, { name, source }: LoadedPlugin): Promise<Composer> {
    const composer = new Composer(origin);
    const plugin = source.file === undefined ? name : source;
    try {
      await composer.#ask({ kind: "load", store: origin.store.root, plugin });
      return composer;
    } catch (error) {
      await composer[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Makes a composition; where that fails, nothing is left of it. */
  async compose(order: Omit<Extract<Order, { kind: "compose" }>, "kind">): Promise<Composed> {
    return await this.#ask({ kind: "compose", ...order }) as Composed;
  }

  /** Releases a composition. */
  async release(id: string): Promise<Released> {
    return await this.#ask({ kind: "release", id }) as Released;
  }

  /** Ends the process, after what it is at. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#stop);
    await this.#orders.close().catch(() => {});
    while (!(await this.#answers.next()).done);
    await this.#process.status;
  }

  async #tell(order: Order): Promise<void> {
    await this.#orders.write(new TextEncoder().encode(`${JSON.stringify(order)}\n`));
  }

  async #ask(order: Order): Promise<unknown> {
    // Where it died, so do the pipes; the answer that does not come says so.
    await this.#tell(order).catch(() => {});
    const { value, done } = await this.#answers.next();
    this.#signal?.throwIfAborted();
    if (done) throw new LaminaError("failed", `a process ended before it could ${order.kind}`);
    const answer: Answer = JSON.parse(value);
    if ("done" in answer) return answer.done;
    throw new LaminaError(answer.kind, answer.message, { hint: answer.hint });
  }
}
