/**
 * The compiled program, driven as a process.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { resetSignal } from "../../src/linux/mod.ts";
import { isRoot, lacks } from "../support/root.ts";

// Where the tests are a shell's job in the background SIGINT is ignored, and would be by what is started here.
resetSignal(2);

/** `dist/lamina`, which `deno task test` makes. */
export const BINARY = fromFileUrl(new URL("../../dist/lamina", import.meta.url));

/** Why the tests of the compiled program cannot run; undefined if they can. */
export function notCompiled(): string | undefined {
  try {
    return Deno.statSync(BINARY).isFile ? undefined : "dist/lamina is no file";
  } catch {
    return "dist/lamina is missing: deno task compile";
  }
}

/** Why it cannot be run as another user; undefined if it can. */
export function cannotDropRights(): string | undefined {
  return isRoot ? lacks("setpriv") : "not root, so that the other tests run without rights already";
}

/** What a run printed and how it ended. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** nobody and nogroup of Debian. */
const NOBODY = 65534;

/** The program with a store, as root or as nobody. */
export class Program implements AsyncDisposable {
  readonly store: string;
  readonly #binary: string;
  readonly #directory: string;
  readonly #nobody: boolean;
  readonly #machine: readonly string[] | undefined;
  readonly #environment: Readonly<Record<string, string>>;

  /**
   * @param directory Gets the store, and becomes nobody's with all that is in it by then where that is asked for.
   * @param options `machine`: the command that runs it on a machine whose root is the directory. `environment`: beside `PATH` and `HOME`,
   * or instead of them.
   */
  constructor(
    directory: string,
    options: {
      readonly nobody?: boolean;
      readonly machine?: readonly string[];
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ) {
    this.#directory = directory;
    this.#environment = options.environment ?? {};
    this.#nobody = options.nobody === true;
    this.#machine = options.machine;
    this.store = `${directory}/store`;
    this.#binary = BINARY;
    if (!this.#nobody) return;
    // The checkout may be where nobody cannot go.
    this.#binary = `${directory}/lamina`;
    Deno.copyFileSync(BINARY, this.#binary);
    const { success } = new Deno.Command("chown", {
      args: ["-R", `${NOBODY}:${NOBODY}`, directory],
    }).outputSync();
    if (!success) throw new Error(`chown ${directory}`);
  }

  /** Releases what a failing test left: mounts would keep its directory from being deleted. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.run("release", "--all");
  }

  /**
   * The command that is started, for those who start it themselves.
   *
   * @param by Words of the command that is to start it.
   */
  command(args: readonly string[], by: readonly string[] = []): Deno.Command {
    const words = this.#machine === undefined
      ? [this.#binary, "--root", this.store, ...args]
      : [...this.#machine, "--root", "/store", ...args];
    if (this.#nobody) {
      words.unshift(
        "setpriv",
        `--reuid=${NOBODY}`,
        `--regid=${NOBODY}`,
        "--clear-groups",
        "--inh-caps=-all",
        "--bounding-set=-all",
      );
    }
    words.unshift(...by);
    return new Deno.Command(words[0], {
      args: words.slice(1),
      cwd: this.#directory,
      clearEnv: true,
      env: { PATH: Deno.env.get("PATH") ?? "", HOME: this.#directory, ...this.#environment },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
  }

  /** Runs it to its end. */
  async run(...args: string[]): Promise<Run> {
    const { code, stdout, stderr } = await this.command(args).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  }

  /**
   * Runs it with `--json` and returns the document.
   *
   * @throws {Error} If it fails, or says anything on stderr.
   */
  // deno-lint-ignore no-explicit-any
  async json(...args: string[]): Promise<any> {
    const { code, stdout, stderr } = await this.run("--json", ...args);
    if (code !== 0 || stderr !== "") {
      throw new Error(`lamina ${args.join(" ")}: exit ${code}\n${stdout}${stderr}`);
    }
    return JSON.parse(stdout);
  }
}
