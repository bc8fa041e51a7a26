/**
 * `lamina serve` as a process, and a client of it.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";

const MAIN = fromFileUrl(new URL("../../mod.ts", import.meta.url));

/** The command line of a server, from the sources; `plugin`: a file with a strategy of the test's own. */
export function serveCommand(root: string, socket: string, plugin = ""): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--quiet", "--no-check", MAIN],
      ...["--json", "--root", root, "serve", "--socket", socket],
    ],
    env: { LAMINA_PLUGINS: plugin },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** What a server answered. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any
  readonly document: any;
}

/** A running server. */
export class Server implements AsyncDisposable {
  readonly socket: string;
  readonly process: Deno.ChildProcess;
  readonly #client: Deno.HttpClient;
  /** What it says on stderr before it listens. */
  readonly greeting: string;
  #ended = false;

  private constructor(socket: string, process: Deno.ChildProcess, greeting: string) {
    this.socket = socket;
    this.process = process;
    this.greeting = greeting;
    this.#client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  }

  /** Starts one and waits until it listens. */
  static async start(root: string, socket: string, plugin?: string): Promise<Server> {
    const process = serveCommand(root, socket, plugin).spawn();
    const reader = process.stderr.getReader();
    const { value } = await reader.read();
    reader.releaseLock();
    const greeting = new TextDecoder().decode(value);
    if (greeting.includes("listening at")) return new Server(socket, process, greeting);
    await process.stdout.cancel();
    await process.stderr.cancel();
    throw new Error(`lamina serve: ${greeting}`);
  }

  /** Asks for something; a text is sent as it is, anything else as JSON. */
  async ask(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answered> {
    const response = await fetch(`http://lamina${path}`, {
      method,
      body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
      client: this.#client,
      signal,
    });
    return {
      status: response.status,
      headers: response.headers,
      document: await response.json(),
    };
  }

  /** Ends it, and returns how it ended and what it printed; on stderr, since it listened. */
  async end(
    signal: Deno.Signal,
  ): Promise<Deno.CommandStatus & { readonly stdout: string; readonly stderr: string }> {
    this.#ended = true;
    this.process.kill(signal);
    const [status, stdout, stderr] = await Promise.all([
      this.process.status,
      new Response(this.process.stdout).text(),
      // What it said first has been read.
      new Response(this.process.stderr.pipeThrough(new TransformStream())).text(),
    ]);
    this.#client.close();
    return { ...status, stdout, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.end("SIGKILL");
  }
}
